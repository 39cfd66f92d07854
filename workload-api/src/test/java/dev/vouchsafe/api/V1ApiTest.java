package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.ca.CertificateRequest;
import dev.vouchsafe.ca.Grant;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.Profile;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code /v1} takes and answers. */
class V1ApiTest {
  private static final String CERTIFICATES = "/v1/certificates?module=edgeHub";

  @TempDir private static Path folder;
  private static TestHome home;
  private static TestServer server;
  private static FakeAuthority authority;

  @BeforeAll
  static void start() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
    home.add(TestHome.own("second"));
    home.add(TestHome.own("a+b"));
    home.add(TestHome.own("c d"));
    home.add(TestHome.foreign("other"));
    authority = new FakeAuthority(home.authority);
    server = TestServer.start(home, home.with(home.attestor, authority));
  }

  @AfterAll
  static void stop() {
    server.close();
    home.close();
  }

  @BeforeEach
  void forget() {
    authority.grants.clear();
    authority.requests.clear();
    authority.outcome = issued -> issued;
  }

  private static Answer post(String target, String body) throws IOException {
    return RawClient.once(server.workload, Bodies.post(target, body));
  }

  private static void assertProblem(Answer answer, int status, String code) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
    assertThat(answer.json("code")).isEqualTo(code);
    assertThat(answer.json("type")).isEqualTo("about:blank");
    assertThat(answer.json("title")).isNotEmpty();
    assertThat(answer.json("status")).isEqualTo("" + status);
    assertThat(answer.json("detail")).isNotEmpty();
  }

  @Test
  void severalRegistrationsAreListedAndOneCanBeChosen() throws Exception {
    Answer several = post("/v1/certificates", "{\"profile\":\"server\"}");

    assertProblem(several, 409, "several-registrations");
    assertThat(Bodies.read(several.body()).path("modules"))
        .extracting(name -> name.asText())
        .containsExactly("a+b", "c d", "edgeHub", "second");
    assertThat(authority.requests).isEmpty();
    for (String module : List.of("edgeHub", "second", "a+b", "a%2Bb", "c%20d", "c+d")) {
      assertThat(post("/v1/certificates?module=" + module, "{\"profile\":\"server\"}").status())
          .as(module)
          .isEqualTo(201);
    }
  }

  @Test
  void aModuleThatIsNotTheCallersIsRefusedAsOneThatIsNotThere() throws Exception {
    Answer other = post("/v1/certificates?module=other", "{\"profile\":\"server\"}");
    Answer nobody = post("/v1/certificates?module=nobody", "{\"profile\":\"server\"}");
    Answer empty = post("/v1/certificates?module=", "{\"profile\":\"server\"}");

    assertProblem(other, 403, "caller-refused");
    assertThat(nobody).isEqualTo(other);
    assertThat(empty).isEqualTo(other);
    assertThat(authority.requests).isEmpty();
    assertProblem(
        RawClient.once(server.workload, Bodies.get("/v1/identity?module=other")),
        403,
        "caller-refused");
  }

  @Test
  void theGrantIsMadeOfTheRegistrationAlone() throws Exception {
    post(CERTIFICATES, "{\"profile\":\"identity\",\"dns\":[\"evil.example\"]}");

    assertThat(authority.grants)
        .containsExactly(
            new Grant(
                "edgeHub",
                "1",
                Set.of(Profile.IDENTITY, Profile.SERVER),
                List.of("gateway.local", "*.gateway.local", "edgehub"),
                List.of("192.168.1.10"),
                Optional.of("spiffe://gw.example/edgeHub"),
                Optional.empty(),
                List.of(),
                Optional.empty()));
  }

  @Test
  void theDeviceItselfHasItsIdAsItsCommonName() throws Exception {
    home.add(TestHome.own("device"));
    post("/v1/certificates?module=device", "{\"profile\":\"identity\"}");
    home.remove("device");

    assertThat(authority.grants).hasSize(1);
    assertThat(authority.grants.getFirst().commonName()).hasValue("gw1");
  }

  @Test
  void everyFieldReachesTheAuthority() throws Exception {
    String csr =
        "-----BEGIN CERTIFICATE REQUEST-----\\nAA==\\n-----END CERTIFICATE REQUEST-----\\n";
    Answer answer =
        post(
            CERTIFICATES,
            "{\"profile\":\"server\",\"csr\":\""
                + csr
                + "\",\"commonName\":\"gateway.local\",\"dns\":[\"edgehub\"],"
                + "\"ip\":[\"192.168.1.10\"],\"ttlSeconds\":60,\"keyType\":\"ec-p384\"}");

    assertProblem(answer, 400, "csr-malformed");
    assertThat(authority.requests)
        .containsExactly(
            new CertificateRequest(
                Profile.SERVER,
                Optional.of(csr.replace("\\n", "\n")),
                Optional.of("gateway.local"),
                List.of("edgehub"),
                List.of("192.168.1.10"),
                Optional.of(Duration.ofSeconds(60)),
                Optional.of("ec-p384")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{}|profile",
        "{\"profile\":\"root\"}|profile",
        "{\"profile\":\"Identity\"}|profile",
        "{\"profile\":1}|profile",
        "{\"profile\":null}|profile",
        "{\"profile\":\"server\",\"profile\":\"identity\"}|profile",
        "{\"profile\":\"server\",\"dnsNames\":[]}|dnsNames",
        "{\"profile\":\"server\",\"Dns\":[]}|Dns",
        "{\"profile\":\"server\",\"dns\":\"a\"}|dns",
        "{\"profile\":\"server\",\"dns\":[1]}|dns",
        "{\"profile\":\"server\",\"dns\":[\"\"]}|dns",
        "{\"profile\":\"server\",\"ip\":[[]]}|ip",
        "{\"profile\":\"server\",\"ip\":{}}|ip",
        "{\"profile\":\"server\",\"csr\":\"\"}|csr",
        "{\"profile\":\"server\",\"commonName\":[\"a\"]}|commonName",
        "{\"profile\":\"server\",\"keyType\":true}|keyType",
        "{\"profile\":\"server\",\"ttlSeconds\":0}|ttlSeconds",
        "{\"profile\":\"server\",\"ttlSeconds\":-5}|ttlSeconds",
        "{\"profile\":\"server\",\"ttlSeconds\":1.5}|ttlSeconds",
        "{\"profile\":\"server\",\"ttlSeconds\":\"60\"}|ttlSeconds",
      })
  void aBadFieldIsNamed(String body, String field) throws Exception {
    Answer answer = post(CERTIFICATES, body);

    assertProblem(answer, 400, "request-invalid");
    assertThat(answer.json("detail")).startsWith(field + ":");
    assertThat(authority.requests).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "x",
        "[]",
        "null",
        "{\"profile\":\"server\"",
        "{\"profile\":\"server\"} {}",
        "{\"profile\":\"server\",}",
        "{'profile':'server'}",
        "{\"profile\":\"server\",\"ttlSeconds\":1111111111111111111111111111111111111}",
        "{\"profile\":\"ser\u00ffver\"}",
        "\u00fe\u00ff\u0000{\u0000}",
      })
  void whatIsNoJsonObjectIsRefused(String body) throws Exception {
    assertProblem(post(CERTIFICATES, body), 400, "request-invalid");
  }

  @Test
  void theBodyIsReadBeforeTheCallerIsMeasured() throws Exception {
    assertProblem(post("/v1/certificates?module=nobody", "{"), 400, "request-invalid");
  }

  @Test
  void aLifetimeOverTheCapIsShortened() throws Exception {
    Answer answer =
        post(CERTIFICATES, "{\"profile\":\"server\",\"ttlSeconds\":99999999999999999999}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(201);
  }

  @Test
  void tooManyNamesAreRefused() throws Exception {
    String names = "\"a\",".repeat(128) + "\"a\"";
    Answer answer = post(CERTIFICATES, "{\"profile\":\"server\",\"dns\":[" + names + "]}");
    assertProblem(answer, 400, "request-invalid");
  }

  @Test
  void aBodyOfAnotherTypeIsRefused() throws Exception {
    Answer answer =
        RawClient.once(
            server.workload,
            "POST /v1/certificates HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 2\r\n\r\n{}");
    assertProblem(answer, 415, "unsupported-media-type");
  }

  @ParameterizedTest
  @EnumSource(IssuanceException.Reason.class)
  void whyNothingWasIssuedIsSaidByItsCode(IssuanceException.Reason reason) throws Exception {
    authority.fail(reason);
    Answer answer = post(CERTIFICATES, "{\"profile\":\"server\"}");

    int status =
        switch (reason.kind()) {
          case INVALID -> 400;
          case REFUSED -> 403;
          case LIMITED -> 429;
          case UNAVAILABLE -> 503;
          case FAILED -> 500;
        };
    assertProblem(answer, status, reason.code());
    assertThat(answer.headers().containsKey("retry-after"))
        .isEqualTo(status == 503 || status == 429);
    assertThat(answer.body().contains("said of"))
        .as("our inner causes stay inside")
        .isEqualTo(status < 500);
  }

  @Test
  void anErrorInsideTheAuthorityIsNoSecretLeak() throws Exception {
    authority.outcome =
        issued -> CompletableFuture.failedFuture(new IllegalStateException("PIN 1234"));
    Answer answer = post(CERTIFICATES, "{\"profile\":\"server\"}");

    assertProblem(answer, 500, "internal");
    assertThat(answer.body()).doesNotContain("1234");
  }

  @Test
  void wrongMethodsAreNamedWithTheRightOnes() throws Exception {
    Answer get = RawClient.once(server.workload, Bodies.get("/v1/certificates"));
    assertProblem(get, 405, "method-not-allowed");
    assertThat(get.header("allow")).isEqualTo("POST");
    Answer identity = post("/v1/identity", "{}");
    assertProblem(identity, 405, "method-not-allowed");
    assertThat(identity.header("allow")).isEqualTo("GET, HEAD");
    assertProblem(post("/v1/trust-bundle", "{}"), 405, "method-not-allowed");
    Answer strange =
        RawClient.once(server.workload, "BREW /v1/identity HTTP/1.1\r\nHost: x\r\n\r\n");
    assertProblem(strange, 405, "method-not-allowed");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1",
        "/v1/",
        "/v1/tokens/",
        "/v1/identity/",
        "/v1/../v1/identity",
        "/v1//identity"
      })
  void unknownPathsAreNotFound(String path) throws Exception {
    assertProblem(RawClient.once(server.workload, Bodies.get(path)), 404, "not-found");
  }

  @Test
  void answersWithSecretsAreKeptNowhere() throws Exception {
    Answer answer = post(CERTIFICATES, "{\"profile\":\"server\"}");
    assertThat(answer.header("cache-control")).isEqualTo("no-store");
    assertThat(answer.body()).matches("\\p{ASCII}+").doesNotContain("\n");
  }
}
