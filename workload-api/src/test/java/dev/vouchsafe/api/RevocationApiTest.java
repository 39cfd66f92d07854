package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.audit.AuditEvent;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509CRL;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Revoking over the administrators' socket, and what verifiers then get over https. */
class RevocationApiTest {
  /** What openssl asks of one serial number of nobody we know. */
  private static final byte[] OCSP_REQUEST =
      HexFormat.of()
          .parseHex(
              "30763074304d304b3049300906052b0e03021a05000414424ef3366d8b17e4f9865ea7849fe102bad1a8"
                  + "2e0414d21fd1f758b37cbd8f9e505452e11ba621a78cfe02104102030405060708090a0b0c0d0e"
                  + "0f10a2233021301f06092b0601050507300102041204106596561e6b3fd3072025dfcfd4472ae1");

  private static final String SERVER = "{\"profile\":\"server\"}";

  @TempDir private Path folder;
  private TestHome home;
  private TestServer server;

  @BeforeEach
  void start() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
    server = TestServer.withHttps(home, home.parts(), TestServer.QUICK);
  }

  @AfterEach
  void stop() {
    server.close();
    home.close();
  }

  private Answer issue() throws Exception {
    return RawClient.once(server.workload, Bodies.post("/v1/certificates", SERVER));
  }

  private Answer post(String target, String body) throws Exception {
    return RawClient.once(server.admin, Bodies.post(target, body));
  }

  private JsonNode get(String target) throws Exception {
    Answer answer = RawClient.once(server.admin, Bodies.get(target));
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return Bodies.read(answer.body());
  }

  private SSLContext trusting() throws GeneralSecurityException, IOException {
    KeyStore anchors = KeyStore.getInstance(KeyStore.getDefaultType());
    anchors.load(null, null);
    anchors.setCertificateEntry("root", home.root());
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(anchors);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private HttpResponse<byte[]> https(String path, Optional<String> tag) throws Exception {
    try (HttpClient client = HttpClient.newBuilder().sslContext(trusting()).build()) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create("https://localhost:" + server.port() + path));
      tag.ifPresent(known -> request.header("If-None-Match", known));
      return client.send(request.build(), BodyHandlers.ofByteArray());
    }
  }

  private static X509CRL crl(HttpResponse<byte[]> answer) throws Exception {
    return (X509CRL)
        CertificateFactory.getInstance("X.509")
            .generateCRL(new ByteArrayInputStream(answer.body()));
  }

  @Test
  void aRevokedCertificateIsShownAndServedOnTheListAndInTheAuditLog() throws Exception {
    String serial = issue().json("serial");

    Answer answer =
        post("/revocations", "{\"serials\":[\"" + serial + "\"],\"reason\":\"keyCompromise\"}");

    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    JsonNode result = Bodies.read(answer.body());
    assertThat(result.path("revoked").asInt()).isEqualTo(1);
    assertThat(result.path("items").path(0).path("listed").asBoolean()).isTrue();
    assertThat(result.path("unpublished")).isEmpty();
    String other = issue().json("serial");
    for (JsonNode item : get("/certificates?module=edgeHub").path("items")) {
      boolean isOther = item.path("serial").asText().equals(other);
      assertThat(item.path("revoked").asBoolean()).isEqualTo(!isOther);
    }
    JsonNode found = get("/certificates?state=revoked").path("items");
    assertThat(found)
        .singleElement()
        .isEqualTo(get("/certificates?serial=" + serial).path("items").path(0));
    JsonNode shown = get("/certificates/" + serial).path("revocation");
    assertThat(shown.path("reason").asText()).isEqualTo("keyCompromise");
    HttpResponse<byte[]> list = https("/crl/device-1.crl", Optional.empty());
    assertThat(list.statusCode()).isEqualTo(200);
    assertThat(list.headers().firstValue("content-type")).contains("application/pkix-crl");
    assertThat(list.headers().firstValue("cache-control")).contains("max-age=300");
    assertThat(crl(list).getRevokedCertificate(new BigInteger(serial, 16))).isNotNull();
    crl(list).verify(home.authority.authorities().get(1).certificate().getPublicKey());
    assertThat(home.audit.acts())
        .anyMatch(it ->
            it.action().equals("revoke-certificate")
                && it.object().contains(serial)
                && it.uid() == TestHome.OWN_UID);
  }

  @Test
  void aListIsSentOnceAndThenOnlyWhenItChanged() throws Exception {
    issue();
    Wait.until("the first list", () -> home.authority.revocations().list("device-1").isPresent());
    HttpResponse<byte[]> first = https("/crl/device-1.crl", Optional.empty());
    Optional<String> tag = first.headers().firstValue("etag");
    assertThat(https("/crl/device-1.crl", tag).statusCode()).isEqualTo(304);

    post("/revocations", "{\"module\":\"edgeHub\"}");

    assertThat(https("/crl/device-1.crl", tag).statusCode()).isEqualTo(200);
    JsonNode lists = get("/revocations").path("lists");
    assertThat(lists)
        .extracting(it -> it.path("authority").asText())
        .contains("device-1", "root-1");
    assertThat(lists.path(0).path("overdue").asBoolean()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/crl/",
        "/crl/device-2.crl",
        "/crl/device-1",
        "/crl/../device-1.crl",
        "/crl/%2e%2e%2fdevice-1.crl",
        "/crl/device-99999999999999999999.crl"
      })
  void thereIsNoOtherFileUnderTheLists(String path) throws Exception {
    assertThat(https(path, Optional.empty()).statusCode()).isEqualTo(404);
  }

  @Test
  void aRevokedModuleIsRefusedAndNotUnavailableUntilItIsAllowed() throws Exception {
    assertThat(issue().status()).isEqualTo(201);

    JsonNode result = Bodies.read(post("/revocations", "{\"module\":\"edgeHub\"}").body());

    assertThat(result.path("deniedGenerations")).hasSize(1);
    Answer refused = issue();
    assertThat(refused.status()).isEqualTo(403);
    assertThat(refused.json("code")).isEqualTo("module-revoked");
    assertThat(post("/revocations/allow", "{\"module\":\"edgeHub\"}").status()).isEqualTo(200);
    assertThat(issue().status()).isEqualTo(201);
  }

  @Test
  void aModuleWhoseRegistrationIsRemovedIsDeniedRenewalAtOnceAndItsCertificateCanStillBeRevoked()
      throws Exception {
    Answer issued = issue();
    assertThat(issued.status()).isEqualTo(201);
    home.remove("edgeHub");

    assertThat(issue().status()).isEqualTo(403);
    Answer revoked = post("/revocations", "{\"module\":\"edgeHub\"}");
    assertThat(Bodies.read(revoked.body()).path("revoked").asInt()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | 400 | request-invalid",
        "{\"serials\":[]} | 400 | request-invalid",
        "{\"serials\":[\"XY\"]} | 400 | request-invalid",
        "{\"serials\":[\"40\"],\"module\":\"edgeHub\"} | 400 | request-invalid",
        "{\"serials\":[\"40\"],\"generation\":\"1\"} | 400 | request-invalid",
        "{\"serials\":[\"40\"],\"reason\":\"removeFromCRL\"} | 400 | request-invalid",
        "{\"serials\":[\"40\"],\"invalidSince\":\"yesterday\"} | 400 | request-invalid",
        "{\"serials\":[\"40\"],\"now\":true} | 400 | request-invalid",
        "{\"authority\":\"device-1\",\"module\":\"edgeHub\"} | 400 | request-invalid",
        "{\"authority\":\"device-1\",\"now\":\"yes\"} | 400 | request-invalid",
        "{\"authority\":\"device-9\"} | 404 | certificate-unknown",
        "{\"authority\":\"root-1\",\"now\":true} | 409 | authority-state",
        "{\"serials\":[\"40\"],\"force\":true} | 400 | request-invalid",
        "{\"serials\":[\"40\"]} | 404 | certificate-unknown",
        "{\"module\":\"nobody\"} | 404 | certificate-unknown"
      })
  void whatCantBeRevokedIsAnError(String body, int status, String code) throws Exception {
    Answer answer = post("/revocations", body);

    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.json("code")).isEqualTo(code);
  }

  private HttpResponse<byte[]> ask(byte[] body, String type) throws Exception {
    try (HttpClient client = HttpClient.newBuilder().sslContext(trusting()).build()) {
      return client.send(
          HttpRequest.newBuilder(URI.create("https://localhost:" + server.port() + "/ocsp"))
              .header("Content-Type", type)
              .POST(HttpRequest.BodyPublishers.ofByteArray(body))
              .build(),
          BodyHandlers.ofByteArray());
    }
  }

  @Test
  void ocspIsAnsweredByPostAndByGetAndAStrangersAuthorityIsUnauthorized() throws Exception {
    HttpResponse<byte[]> posted = ask(OCSP_REQUEST, "application/ocsp-request");
    String path = "/ocsp/" + Base64.getEncoder().encodeToString(OCSP_REQUEST).replace("+", "%2B");
    HttpResponse<byte[]> got = https(path, Optional.empty());

    assertThat(posted.statusCode()).isEqualTo(200);
    assertThat(posted.headers().firstValue("content-type")).contains("application/ocsp-response");
    assertThat(posted.headers().firstValue("cache-control")).contains("no-store");
    assertThat(posted.body()).as("unauthorized").containsExactly(0x30, 3, 0x0a, 1, 6);
    assertThat(got.body()).isEqualTo(posted.body());
    assertThat(ask(new byte[10], "application/ocsp-request").body())
        .as("malformedRequest")
        .containsExactly(0x30, 3, 0x0a, 1, 1);
  }

  @Test
  void anOcspRequestOfAnotherTypeOrSizeIsRefused() throws Exception {
    assertThat(ask(OCSP_REQUEST, "application/json").statusCode()).isEqualTo(415);
    assertThat(ask(new byte[4097], "application/ocsp-request").statusCode()).isEqualTo(413);
    assertThat(https("/ocsp", Optional.empty()).statusCode()).isEqualTo(405);
    assertThat(https("/ocsp/@@@", Optional.empty()).statusCode()).isEqualTo(404);
    assertThat(https("/ocspx", Optional.empty()).statusCode()).isEqualTo(404);
  }

  @Test
  void revokedTokensAreServedToAnyVerifier() throws Exception {
    home.remove("edgeHub");
    home.add(TestHome.own("edgeHub", List.of("hub.example")));
    String token =
        RawClient.once(
                server.workload, Bodies.post("/v1/tokens", "{\"audience\":[\"hub.example\"]}"))
            .json("token");
    byte[] claims = Base64.getUrlDecoder().decode(token.split("\\.", -1)[1]);
    String id = Bodies.read(new String(claims, StandardCharsets.UTF_8)).path("jti").asText();
    String path = "/.well-known/revoked-tokens.json";
    HttpResponse<byte[]> before = https(path, Optional.empty());
    assertThat(before.body()).asString().isEqualTo("{\"items\":[]}");

    Answer answer = post("/revocations/tokens", "{\"ids\":[\"" + id + "\"]}");

    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    HttpResponse<byte[]> after = https(path, before.headers().firstValue("etag"));
    assertThat(after.statusCode()).isEqualTo(200);
    assertThat(after.body()).asString().contains(id);
    assertThat(https(path, after.headers().firstValue("etag")).statusCode()).isEqualTo(304);
    String unknown = "0".repeat(27);
    String both = "{\"ids\":[\"" + id + "\",\"" + unknown + "\"]}";
    assertThat(post("/revocations/tokens", both).status()).isEqualTo(404);
    assertThat(home.audit.acts())
        .filteredOn(it -> it.result().equals("certificate-unknown"))
        .as("each that was asked for is on record")
        .extracting(AuditEvent.Act::object)
        .containsExactly(id, unknown);
    assertThat(post("/revocations/tokens", "{\"ids\":[\"x\"]}").status()).isEqualTo(400);
    assertThat(post("/revocations/tokens", "{}").status()).isEqualTo(400);
    assertThat(post("/revocations/tokens", "{\"ids\":[\"" + "0".repeat(27) + "\"]}").status())
        .isEqualTo(404);
  }

  @Test
  void theListenersOwnCertificateIsReplacedWhenItIsRevoked() throws Exception {
    String own =
        get("/certificates?module=vouchsafe%2Fhttps").path("items").path(0).path("serial").asText();

    assertThat(post("/revocations", "{\"serials\":[\"" + own + "\"]}").status()).isEqualTo(200);

    Wait.until("another certificate", () -> !shown().equals(own));
  }

  /** The serial number of the certificate that the listener shows. */
  private String shown() {
    try (SSLSocket socket =
        (SSLSocket) trusting().getSocketFactory().createSocket("localhost", server.port())) {
      X509Certificate leaf = (X509Certificate) socket.getSession().getPeerCertificates()[0];
      return Pem.serial(leaf);
    } catch (IOException | GeneralSecurityException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void theOnlyDeviceCaIsRevokedAsAWholeOnlyNow() throws Exception {
    Answer refused = post("/revocations", "{\"authority\":\"device-1\"}");
    assertThat(refused.status()).isEqualTo(409);
    assertThat(refused.json("code")).isEqualTo("authority-state");
    assertThat(issue().status()).isEqualTo(201);

    Answer revoked = post("/revocations", "{\"authority\":\"device-1\",\"now\":true}");

    assertThat(revoked.status()).as(revoked.body()).isEqualTo(200);
    assertThat(Bodies.read(revoked.body()).path("items").path(0).path("reason").asText())
        .isEqualTo("cACompromise");
    assertThat(issue().status()).as("may pass: another can be made").isEqualTo(503);
    assertThat(get("/revocations").path("distrusted")).hasSize(1);
    assertThat(get("/revocations").path("issuerRevoked").asBoolean()).isTrue();
    assertThat(https("/healthz", Optional.empty()).statusCode()).isEqualTo(503);
    assertThat(crl(https("/crl/root-1.crl", Optional.empty())).getRevokedCertificates()).hasSize(1);
  }
}
