package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.Profile;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.provider.MethodSource;

/** What callers write into bodies, names, headers and times: read, or refused, and nothing else. */
class BodyFuzzTest {
  private static final List<String> VALID =
      List.of(
          "{\"profile\":\"identity\"}",
          "{\"profile\":\"server\",\"csr\":\"-----BEGIN\\n\",\"commonName\":\"a.b\","
              + "\"dns\":[\"a\",\"b\"],\"ip\":[\"::1\"],\"ttlSeconds\":60,\"keyType\":\"ec-p256\"}",
          "{\"commonName\":\"gateway.local\",\"expiration\":\"2030-01-31T12:00:00.123+01:00\"}",
          "{\"expiration\":null,\"other\":[{},[1.5e3,true],\"\\u00e4\"]}",
          "{\"keyId\":\"secondary\",\"algo\":\"HMACSHA256\",\"data\":\"QUJDRA==\"}",
          "{\"audience\":[\"a\",\"b\"],\"ttlSeconds\":60}",
          "{\"which\":\"primary\"}",
          "/modules/edgeHub/genid/1/sign",
          "QUJDRA==",
          "2030-01-31T12:00:00Z",
          "2030-01-31",
          "p%2Bq+%C3%A4$edgeHub%20",
          "text/html;q=0.5, */*;q=0.1, application/json",
          "?a=1&api-version=2018-06-28&&b=&=c");

  static Stream<byte[]> seeds() {
    return VALID.stream().map(text -> text.getBytes(StandardCharsets.UTF_8));
  }

  private static void check(byte[] octets) {
    String text = new String(octets, StandardCharsets.UTF_8);
    try {
      CertificateRequest request =
          CertificateBody.parse(octets, Set.of(Profile.IDENTITY, Profile.SERVER));
      assertThat(request.dns()).hasSizeLessThanOrEqualTo(128);
      assertThat(request.ttl().filter(ttl -> !ttl.isPositive())).isEmpty();
    } catch (Failure failure) {
      assertThat(failure.status()).isEqualTo(Status.BAD_REQUEST);
      assertThat(failure.detail()).matches("\\p{Print}+");
    }
    checkOthers(octets, text);
    try {
      Request request = new Request(HttpMethod.POST, "/" + text, new DefaultHttpHeaders(), octets);
      IotEdgeBody body = IotEdgeBody.optional(request, List.of("data", "keyId", "expiration"));
      assertThat(body.anyText("keyId")).isNotNull();
      assertThat(body.time("expiration")).isNotNull();
      assertThat(body.text("data")).isNotNull();
    } catch (Failure failure) {
      assertThat(failure.status()).isIn(Status.UNPROCESSABLE_CONTENT);
    }
    try {
      assertThat(Percent.decode(text).length()).isLessThanOrEqualTo(text.length());
    } catch (Failure failure) {
      assertThat(failure.status()).isEqualTo(Status.BAD_REQUEST);
    }
    try {
      assertThat(Times.iotEdge(Times.parse(text))).isNotEmpty();
    } catch (DateTimeException e) {
      assertThat(e).hasMessageContaining("parsed");
    }
    assertThat(MediaTypes.choose(List.of(text))).isNotNull();
    assertThat(QuietLog.harmless(text)).matches("\\p{Print}{0,500}");
  }

  private static void checkOthers(byte[] octets, String text) {
    try {
      assertThat(TokenBody.parse(octets).audience()).hasSizeBetween(1, 16).doesNotContain("");
    } catch (Failure failure) {
      assertThat(failure.status()).isEqualTo(Status.BAD_REQUEST);
      assertThat(failure.detail()).matches("\\p{Print}+");
    }
    try {
      assertThat(KeyBody.parse(octets)).isNotNull();
    } catch (Failure failure) {
      assertThat(failure.status()).isEqualTo(Status.BAD_REQUEST);
      assertThat(failure.detail()).matches("\\p{Print}+");
    }
    try {
      byte[] decoded = Base64Text.decode("data", text, 64);
      assertThat(Base64.getEncoder().encodeToString(decoded))
          .as("one text for each value")
          .isEqualTo(text);
    } catch (Failure failure) {
      assertThat(failure.status()).isEqualTo(Status.BAD_REQUEST);
      assertThat(failure.detail()).startsWith("invalid parameter: data");
    }
    try {
      IotEdgePath path = IotEdgePath.of(text);
      assertThat(path.name()).doesNotContain("/");
      assertThat(path.generation()).doesNotContain("/");
    } catch (Failure failure) {
      assertThat(failure.status()).isEqualTo(Status.NOT_FOUND);
    }
  }

  @Tag("fuzz")
  @MethodSource("seeds")
  @FuzzTest(maxDuration = "60s")
  void texts(byte[] octets) {
    check(octets);
  }

  @Test
  void bentTextsAreReadOrRefused() {
    Mutations mutations = new Mutations(11, seeds().toList());
    for (int round = 0; round < 5000; round++) {
      check(mutations.next());
    }
  }
}
