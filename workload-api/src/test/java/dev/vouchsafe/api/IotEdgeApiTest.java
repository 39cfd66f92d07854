package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.ca.LedgerEntry;
import dev.vouchsafe.ca.LedgerQuery;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The IoT Edge Workload API, as an unchanged module SDK meets it; everything behind it is real. */
class IotEdgeApiTest {
  private static final String V = "?api-version=2018-06-28";
  private static final String SERVER = "/modules/edgeHub/genid/1/certificate/server" + V;
  private static final String IDENTITY = "/modules/edgeHub/certificate/identity" + V;
  private static final String GATEWAY = "{\"commonName\":\"gateway.local\"}";

  @TempDir private static Path folder;
  private static TestHome home;
  private static TestServer server;

  @BeforeAll
  static void start() throws Exception {
    home = TestHome.in(folder);
    for (String name : List.of("edgeHub", "$sys", "a b", "p+q", "50%", "x y+z")) {
      home.add(TestHome.own(name));
    }
    home.add(TestHome.foreign("other"));
    server = TestServer.start(home, home.with(home.attestor, new FakeAuthority(home.authority)));
  }

  @AfterAll
  static void stop() {
    server.close();
    home.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"edgeHub", "$edgeHub", "%24edgeHub", "a%20b", "a+b", "p%2Bq", "p+q"})
  void aModuleSignsHoweverItsSdkWritesItsName(String segment) throws Exception {
    Answer answer =
        once(Bodies.post("/modules/" + segment + "/genid/1/sign" + V, "{\"data\":\"QQ==\"}"));
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
  }

  private static Answer once(String request) throws IOException {
    return RawClient.once(server.workload, request);
  }

  private static void assertMessage(Answer answer, String statusLine, String message) {
    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 " + statusLine);
    assertThat(answer.header("content-type")).isEqualTo("application/json");
    assertThat(answer.body()).isEqualTo("{\"message\":\"" + message + "\"}");
  }

  @Test
  void aServerCertificateHasTheNameAskedFor() throws Exception {
    Answer answer = once(Bodies.post(SERVER, GATEWAY));

    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 201 Created");
    assertThat(answer.header("content-type")).isEqualTo("application/json");
    assertThat(answer.body()).matches("\\p{ASCII}+").doesNotContain("\n", "\r");
    JsonNode body = Bodies.read(answer.body());
    assertThat(body.fieldNames())
        .toIterable()
        .containsExactly("privateKey", "certificate", "expiration");
    assertThat(body.path("privateKey").path("type").asText()).isEqualTo("key");
    assertThat(Pem.privateKey(body.path("privateKey").path("bytes").asText(), "EC")).isNotNull();
    X509Certificate[] chain = Pem.chain(body.path("certificate").asText());
    chain[0].verify(chain[1].getPublicKey());
    assertThat(chain[0].getSubjectX500Principal().getName()).contains("CN=gateway.local");
    assertThat(chain[0].getExtendedKeyUsage()).containsExactly("1.3.6.1.5.5.7.3.1");
    assertThat(chain[0].getSubjectAlternativeNames())
        .extracting(name -> String.valueOf(name.get(1)))
        .as("the module's own name as well, since the registration lists it")
        .containsExactlyInAnyOrder("gateway.local", "edgehub");
    assertThat(body.path("expiration").asText())
        .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\+00:00");
    assertThat(OffsetDateTime.parse(body.path("expiration").asText()).toInstant())
        .isEqualTo(chain[0].getNotAfter().toInstant());
    assertThat(chain[0].getSerialNumber().bitLength()).isGreaterThan(64);
  }

  @Test
  void anIdentityCertificateNeedsNoBody() throws Exception {
    for (String request :
        List.of(
            "POST " + IDENTITY + " HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            "POST " + IDENTITY + " HTTP/1.1\r\n\r\n",
            "POST " + IDENTITY + " HTTP/1.1\r\nContent-Type: text/x\r\nContent-Length: 1\r\n\r\nx",
            Bodies.post(IDENTITY, "{}"),
            Bodies.post(IDENTITY, "{\"expiration\":null,\"extra\":{\"a\":[1]}}"))) {
      Answer answer = once(request);
      assertThat(answer.status()).as(request + answer.body()).isEqualTo(201);
      X509Certificate leaf = Pem.chain(Bodies.read(answer.body()).path("certificate").asText())[0];
      assertThat(leaf.getSubjectAlternativeNames())
          .extracting(name -> String.valueOf(name.get(1)))
          .contains("spiffe://gw.example/edgeHub");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2018-06-28",
        "2019-01-30",
        "2019-10-22",
        "2019-11-05",
        "2020-07-07",
        "2021-12-07",
        "2022-08-03"
      })
  void everyApiVersionIsServedOnEveryPath(String version) throws Exception {
    String v = "?api-version=" + version;
    assertThat(once(Bodies.get("/trust-bundle" + v)).status()).isEqualTo(200);
    assertThat(once(Bodies.post("/modules/edgeHub/certificate/identity" + v, "{}")).status())
        .isEqualTo(201);
    assertThat(
            once(Bodies.post("/modules/edgeHub/genid/1/certificate/server" + v, GATEWAY)).status())
        .isEqualTo(201);
    assertThat(once(Bodies.get("/manifest-trust-bundle" + v)).status()).isEqualTo(200);
    assertThat(once(Bodies.get("/modules" + v)).status()).isEqualTo(200);
    assertThat(once(Bodies.get("/modules/" + v)).status()).isEqualTo(200);
    String data = "{\"data\":\"QQ==\",\"plaintext\":\"QQ==\",\"initializationVector\":\"QQ==\"}";
    for (String path : List.of("sign", "encrypt")) {
      assertThat(once(Bodies.post("/modules/edgeHub/genid/1/" + path + v, data)).status())
          .isEqualTo(200);
    }
    assertThat(
            once(Bodies.post(
                    "/modules/edgeHub/genid/1/decrypt" + v, data.replace("plain", "cipher")))
                .status())
        .as("one that is none")
        .isEqualTo(400);
  }

  @Test
  void theTrustBundleIsPemInsideJson() throws Exception {
    Answer answer = once(Bodies.get("/trust-bundle" + V));

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body()).doesNotContain("\n");
    assertThat(answer.json("certificate")).isEqualTo(Pem.of(home.root()));
  }

  @Test
  void theApiVersionIsCheckedBeforeAnythingElse() throws Exception {
    assertMessage(once(Bodies.get("/none")), "400 BadRequest", "api-version not specified");
    assertMessage(
        once(Bodies.post("/modules/edgeHub/genid/9/certificate/server", "{")),
        "400 BadRequest",
        "api-version not specified");
    assertMessage(
        once(Bodies.get("/trust-bundle?api-version=2018-06-29")),
        "400 BadRequest",
        "invalid api-version \\\"2018-06-29\\\"");
    assertThat(once(Bodies.get("/trust-bundle?api-version=")).status()).isEqualTo(400);
    assertThat(once(Bodies.get("/trust-bundle?api-version")).status()).isEqualTo(400);
    assertThat(once(Bodies.get("/trust-bundle?xapi-version=2018-06-28")).status()).isEqualTo(400);
  }

  @Test
  void otherParametersArePassedOverAndTheLastApiVersionWins() throws Exception {
    String target = "/trust-bundle?a=b&api-version=x&&c&api-version=2018-06-28&d=%zz";
    assertThat(once(Bodies.get(target)).status()).isEqualTo(200);
    assertThat(once(Bodies.get("/trust-bundle?api-version=2018-06-28&api-version=x")).status())
        .isEqualTo(400);
    assertThat(once(Bodies.get("/trust-bundle?api-version=2018%2D06%2d28")).status())
        .isEqualTo(200);
  }

  @Test
  void aWrongMethodIsABadRequest() throws Exception {
    assertMessage(once(Bodies.get(SERVER)), "400 BadRequest", "method not allowed");
    assertMessage(once(Bodies.get(IDENTITY)), "400 BadRequest", "method not allowed");
    assertMessage(
        once(Bodies.post("/trust-bundle" + V, "{}")), "400 BadRequest", "method not allowed");
    assertMessage(
        once("PUT " + SERVER + " HTTP/1.1\r\n\r\n"), "400 BadRequest", "method not allowed");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/none",
        "/trust-bundle/",
        "//trust-bundle",
        "/Trust-Bundle",
        "/modules//certificate/identity",
        "/modules/edgeHub/certificate/identity/",
        "/modules/edgeHub/genid//certificate/server",
        "/modules/edgeHub/genid/1/certificate/Server",
        "/modules/edgeHub%2Fgenid%2F1/x",
        "/modules/edgeHub",
        "/modules//",
        "/modules/edgeHub/",
        "/modules//genid/1/sign",
        "/modules/edgeHub/genid//sign",
        "/modules/edgeHub/genid/1/sign/",
        "/modules/edgeHub/genid/1/Sign",
        "/modules/edgeHub/sign",
        "/modules/edgeHub/certificate/server",
        "/modules/edgeHub/genid/1/certificate/identity",
        "/manifest-trust-bundle/",
        "/identities/",
        "/xmodules/edgeHub/genid/1/sign"
      })
  void anUnknownPathIsNotFound(String path) throws Exception {
    assertMessage(once(Bodies.post(path + V, "{}")), "404 NotFound", "not found");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{",
        "[]",
        "null",
        "\"x\"",
        "{\"commonName\":\"a\"} x",
        "{\"commonName\":1}",
        "{\"commonName\":[\"a\"]}",
        "{\"commonName\":null}",
        "{}",
        "{\"commonName\":\"a\",\"expiration\":5}",
        "{\"commonName\":\"a\",\"expiration\":\"soon\"}",
        "{\"commonName\":\"a\",\"x\":[[[[[[[[[[[[[[]]]]]]]]]]]]]]}",
        "{\"commonName\":\"a\",\"x\":1e999999999999999999999999999999999999}",
        "\u00ff\u00fe{\u0000"
      })
  void aMalformedBodyIsUnprocessableWhoeverSendsIt(String body) throws Exception {
    for (String module : List.of("edgeHub", "other", "nobody")) {
      Answer answer =
          once(Bodies.post("/modules/" + module + "/genid/1/certificate/server" + V, body));
      assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 422 UnprocessableContent");
      assertThat(answer.json("message")).isNotEmpty();
    }
  }

  @Test
  void aMissingBodyIsABadRequest() throws Exception {
    assertMessage(once("POST " + SERVER + " HTTP/1.1\r\n\r\n"), "400 BadRequest", "missing body");
    assertMessage(
        once(
            "POST "
                + SERVER
                + " HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"),
        "400 BadRequest",
        "missing body");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Content-Type: application/json\r\n",
        "Content-Type: application/json; charset=utf-8\r\n",
        "content-type: APPLICATION/JSON;charset=UTF-8\r\n"
      })
  void jsonIsTakenWithAndWithoutItsType(String header) throws Exception {
    String request =
        "POST "
            + SERVER
            + " HTTP/1.1\r\n"
            + header
            + "content-length: "
            + GATEWAY.length()
            + "\r\n\r\n"
            + GATEWAY;
    assertThat(once(request).status()).isEqualTo(201);
  }

  @Test
  void aCallerThatDoesNotMatchIsForbiddenAndLearnsNothing() throws Exception {
    long before = issued();
    Answer mismatch = once(Bodies.post("/modules/other/certificate/identity" + V, "{}"));
    Answer unknown = once(Bodies.post("/modules/nobody/certificate/identity" + V, "{}"));
    Answer generation =
        once(Bodies.post("/modules/other/genid/77/certificate/server" + V, GATEWAY));

    assertMessage(mismatch, "403 Forbidden", "forbidden");
    assertThat(unknown).isEqualTo(mismatch);
    assertThat(generation).isEqualTo(mismatch);
    assertThat(issued()).isEqualTo(before);
  }

  @Test
  void anotherGenerationIsRefusedToTheModuleItself() throws Exception {
    long before = issued();
    Answer answer = once(Bodies.post("/modules/edgeHub/genid/2/certificate/server" + V, GATEWAY));

    assertThat(answer.status()).isEqualTo(403);
    assertThat(answer.json("message")).startsWith("generation-mismatch");
    assertThat(issued()).isEqualTo(before);
  }

  @Test
  void aNameOutsideTheRegistrationIsRefused() throws Exception {
    long before = issued();
    for (String name : List.of("evil.example", "10.0.0.1", "x.y.gateway.local", "*.local")) {
      Answer answer = once(Bodies.post(SERVER, "{\"commonName\":\"" + name + "\"}"));
      assertThat(answer.status()).as(name).isEqualTo(403);
    }
    assertThat(once(Bodies.post(SERVER, "{\"commonName\":\"\"}")).status()).isEqualTo(400);
    assertThat(issued()).isEqualTo(before);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "%65dgeHub",
        "$edgeHub",
        "%24edgeHub",
        "$sys",
        "%24sys",
        "a%20b",
        "a+b",
        "p+q",
        "p%2Bq",
        "p%2bq",
        "50%25",
        "x+y%2Bz",
        "x%20y%2Bz"
      })
  void aNameIsFoundHoweverItsSdkWritesIt(String segment) throws Exception {
    Answer named =
        once(Bodies.post("/modules/" + segment + "/genid/1/certificate/server" + V, GATEWAY));
    assertThat(named.status()).as(named.body()).isEqualTo(201);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a%2Bb", "p%20q", "sys", "edgehub", "$$edgeHub", "edgeHub%00", "%C0%AF"})
  void aNameThatIsOnlyLikeItIsForbidden(String segment) throws Exception {
    Answer answer = once(Bodies.post("/modules/" + segment + "/certificate/identity" + V, "{}"));
    assertThat(answer.status()).isIn(400, 403);
    assertThat(answer.status() == 400).isEqualTo(segment.contains("%C0"));
  }

  @Test
  void anExpirationIsHonouredWithinTheCap() throws Exception {
    assertThat(lifetime(home.clock.instant().plus(Duration.ofMinutes(30)).toString()))
        .isBetween(Duration.ofMinutes(29), Duration.ofMinutes(31));
    assertThat(lifetime("9999-12-31T23:59:59Z")).isLessThanOrEqualTo(Duration.ofDays(31));
    assertThat(lifetime("+999999999-12-31T23:59:59.999999999-18:00"))
        .isLessThanOrEqualTo(Duration.ofDays(31));
    assertThat(lifetime("2099-01-01")).isLessThanOrEqualTo(Duration.ofDays(31));
    assertThat(lifetime("")).isLessThanOrEqualTo(Duration.ofDays(1));
  }

  @Test
  void anExpirationInThePastIsABadRequest() throws Exception {
    String body = "{\"commonName\":\"gateway.local\",\"expiration\":\"1970-01-01T00:00:00Z\"}";
    assertMessage(
        once(Bodies.post(SERVER, body)),
        "400 BadRequest",
        "invalid parameter: expiration is in the past");
  }

  private static Duration lifetime(String expiration) throws Exception {
    String body =
        "{\"commonName\":\"gateway.local\",\"expiration\":\"" + expiration + "\",\"other\":1}";
    Answer answer = once(Bodies.post(SERVER, body));
    assertThat(answer.status()).as(answer.body()).isEqualTo(201);
    Instant end = OffsetDateTime.parse(answer.json("expiration")).toInstant();
    return Duration.between(home.clock.instant(), end);
  }

  /** How many certificates the ledger knows. */
  private static long issued() throws Exception {
    List<LedgerEntry> entries =
        home.authority
            .certificates(new LedgerQuery(Optional.empty(), 1000, Optional.empty()))
            .items();
    return entries.size();
  }
}
