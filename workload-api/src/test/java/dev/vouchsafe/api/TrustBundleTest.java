package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.trust.BundleFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The trust bundle: which encoding, which version, and waiting for the next. */
class TrustBundleTest {
  @TempDir private Path folder;
  private TestHome home;
  private TestServer server;

  @BeforeEach
  void start() throws Exception {
    home = TestHome.in(folder);
    server = TestServer.start(home);
  }

  @AfterEach
  void stop() {
    server.close();
    home.close();
  }

  private static String get(String target, String headers) {
    return "GET " + target + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
  }

  /** Adds the device CA as an extra CA, or takes it out again. */
  private void change() throws IOException {
    X509Certificate extra = home.authority.authorities().getLast().certificate();
    boolean there = !home.bundles.current().extra().isEmpty();
    home.addToBundle(there ? List.of() : List.of(extra));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "*/*|PEM",
        "application/x-pem-file|PEM",
        "application/json|JWKS",
        "Application/JSON; charset=utf-8|JWKS",
        "application/pkcs7-mime|PKCS7",
        "application/*|PEM",
        "text/html,application/xhtml+xml,*/*;q=0.8|PEM",
        "application/json;q=0.5, application/pkcs7-mime;q=0.9|PKCS7",
        "application/json;q=0.9, */*;q=0.1|JWKS",
        "application/x-pem-file;q=0, application/json|JWKS",
        "application/x-pem-file;q=0, */*|PKCS7",
        ",,;q=,application/json|JWKS",
      })
  void theEncodingIsWhatTheCallerLikesBest(String accept, BundleFormat wanted) throws Exception {
    Answer answer =
        RawClient.once(server.workload, get("/v1/trust-bundle", "Accept: " + accept + "\r\n"));

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("content-type")).isEqualTo(wanted.mediaType());
    assertThat(answer.body().getBytes(StandardCharsets.ISO_8859_1))
        .isEqualTo(home.bundles.encoded(wanted));
    assertThat(answer.header("etag")).isEqualTo(home.bundles.entityTag(wanted));
    assertThat(answer.header("vouchsafe-bundle-sequence")).isEqualTo("1");
    assertThat(answer.header("vary")).isEqualTo("accept");
  }

  @ParameterizedTest
  @ValueSource(strings = {"text/html", "image/*", "application/json;q=0", "x", "*/*;q=0.0"})
  void anEncodingThatWeDoNotHaveIsNotAcceptable(String accept) throws Exception {
    Answer answer =
        RawClient.once(server.workload, get("/v1/trust-bundle", "Accept: " + accept + "\r\n"));
    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 406 NotAcceptable");
    assertThat(answer.json("code")).isEqualTo("not-acceptable");
  }

  @Test
  void aVersionThatTheCallerHasIsNotSentAgain() throws Exception {
    String tag = home.bundles.entityTag(BundleFormat.PEM);
    for (String held : List.of(tag, "W/" + tag, "\"x\", " + tag, "*", tag + ",\"y\"")) {
      try (RawClient client = RawClient.connect(server.workload)) {
        client.send(get("/v1/trust-bundle", "If-None-Match: " + held + "\r\n"));
        Answer answer = client.headOnly();
        assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 304 NotModified");
        assertThat(answer.header("etag")).isEqualTo(tag);
        assertThat(answer.headers()).doesNotContainKeys("content-length", "content-type");
        client.send(get("/v1/trust-bundle", ""));
        assertThat(client.answer().status()).as("the framing held").isEqualTo(200);
      }
    }
    String other = home.bundles.entityTag(BundleFormat.JWKS);
    for (String held : List.of(other, "\"\"", tag.replace("\"", ""))) {
      Answer answer =
          RawClient.once(
              server.workload, get("/v1/trust-bundle", "If-None-Match: " + held + "\r\n"));
      assertThat(answer.status()).as(held).isEqualTo(200);
    }
  }

  @Test
  void oneWhoWaitsIsAnsweredWhenTheBundleChanges() throws Exception {
    String tag = home.bundles.entityTag(BundleFormat.PEM);
    List<RawClient> waiting = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      RawClient client = RawClient.connect(server.workload);
      client.send(get("/v1/trust-bundle?wait=300", "If-None-Match: " + tag + "\r\n"));
      waiting.add(client);
    }
    Answer now = RawClient.once(server.workload, get("/v1/trust-bundle?wait=300", ""));
    assertThat(now.status()).as("without a version there is nothing to wait for").isEqualTo(200);
    change();
    for (RawClient client : waiting) {
      Answer answer = client.answer();
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.header("vouchsafe-bundle-sequence")).isEqualTo("2");
      assertThat(answer.header("etag")).isNotEqualTo(tag);
      client.send(
          get("/v1/trust-bundle?wait=300", "If-None-Match: " + answer.header("etag") + "\r\n"));
    }
    change();
    for (RawClient client : waiting) {
      assertThat(client.answer().header("vouchsafe-bundle-sequence")).isEqualTo("3");
      client.close();
    }
  }

  @Test
  void aWaitThatIsOverSaysThatNothingChanged() throws Exception {
    String tag = home.bundles.entityTag(BundleFormat.PEM);
    for (String wait : List.of("0", "1")) {
      try (RawClient client = RawClient.connect(server.workload)) {
        client.send(get("/v1/trust-bundle?wait=" + wait, "If-None-Match: " + tag + "\r\n"));
        assertThat(client.headOnly().status()).isEqualTo(304);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-1", "x", "1.5", "1s", "99999999999", "%31"})
  void aBadWaitIsNamed(String wait) throws Exception {
    Answer answer = RawClient.once(server.workload, Bodies.get("/v1/trust-bundle?wait=" + wait));
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.json("detail")).startsWith("wait:");
  }

  @Test
  void oneWhoWaitsAndHangsUpFreesItsPlace() throws Exception {
    server.close();
    String wait =
        get(
            "/v1/trust-bundle?wait=300",
            "If-None-Match: " + home.bundles.entityTag(BundleFormat.PEM) + "\r\n");
    ApiSettings.Limits one = new ApiSettings.Limits(64, 2, 64);
    try (TestServer narrow = TestServer.start(home, home.parts(), one, TestServer.QUICK)) {
      for (int i = 0; i < 200; i++) {
        RawClient client = RawClient.connect(narrow.workload);
        client.send(wait);
        client.endOutput();
        assertThat(client.headOnly().status()).as("round " + i).isEqualTo(304);
        assertThat(client.closed()).isTrue();
        client.close();
      }
    }
    server = TestServer.start(home);
  }

  @Test
  void stoppingEndsEveryWait() throws Exception {
    String tag = home.bundles.entityTag(BundleFormat.PEM);
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(
          get("/v1/trust-bundle", "")
              + get("/v1/trust-bundle?wait=300", "If-None-Match: " + tag + "\r\n"));
      assertThat(client.answer().status()).isEqualTo(200);
      server.close();
      Answer answer = client.headOnly();
      assertThat(answer.status()).isEqualTo(304);
      assertThat(answer.header("connection")).isEqualTo("close");
      assertThat(client.closed()).isTrue();
    }
  }
}
