package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.ca.AuthorityRequest;
import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.ca.ModuleKeys;
import dev.vouchsafe.keys.KeyStoreHealth;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The administrators' socket: what the command line relies on. */
class AdminSocketTest {
  @TempDir private static Path folder;
  private static TestHome home;
  private FakeAuthority authority;
  private TestServer server;

  @BeforeAll
  static void makeHome() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("edgeHub"));
    home.add(TestHome.own("a b%c"));
    Path bad = Files.writeString(home.registrationFolder.resolve("bad.toml"), "nonsense = 1\n");
    Files.setPosixFilePermissions(bad, PosixFilePermissions.fromString("rw-r--r--"));
  }

  @AfterAll
  static void closeHome() {
    home.close();
  }

  @BeforeEach
  void start() throws IOException {
    authority = new FakeAuthority(home.authority);
    server = TestServer.start(home, home.with(home.attestor, authority));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private JsonNode get(String target) throws IOException {
    Answer answer = RawClient.once(server.admin, Bodies.get(target));
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    assertThat(answer.header("content-type")).isEqualTo("application/json");
    return Bodies.read(answer.body());
  }

  @Test
  void statusTellsWhoTheGatewayIsAndWhatIsWrong() throws Exception {
    JsonNode status = get("/status");

    assertThat(status.path("deviceId").asText()).isEqualTo("gw1");
    assertThat(status.path("trustDomain").asText()).isEqualTo("gw.example");
    assertThat(status.path("layer").asInt()).isEqualTo(1);
    assertThat(status.path("endpoints"))
        .extracting(JsonNode::asText)
        .containsExactlyInAnyOrder(
            "unix:" + server.workload, "unix:" + server.spiffe, "unix:" + server.admin);
    assertThat(status.path("attestation").path("limits").isArray()).isTrue();
    JsonNode registrations = status.path("registrations");
    assertThat(registrations.path("count").asInt()).isEqualTo(2);
    assertThat(registrations.path("problems")).hasSize(1);
    assertThat(registrations.path("problems").path(0).path("file").asText()).endsWith("bad.toml");
    assertThat(registrations.path("problems").path(0).path("code").asText()).isNotEmpty();
  }

  @Test
  void modulesAreListedAndShown() throws Exception {
    JsonNode list = get("/modules");

    assertThat(list.path("items")).hasSize(2);
    assertThat(list.path("problems")).hasSize(1);
    JsonNode one = get("/modules/edgeHub");
    assertThat(list.path("items").path(1)).isEqualTo(one);
    assertThat(one.path("generation").asText()).isEqualTo("1");
    assertThat(one.path("selectors").path(0).asText()).isEqualTo("unix:uid:" + TestHome.OWN_UID);
    assertThat(one.path("profiles")).extracting(JsonNode::asText).contains("identity", "server");
    assertThat(one.path("dns").path(0).asText()).isEqualTo("gateway.local");
    assertThat(one.path("ip").path(0).asText()).isEqualTo("192.168.1.10");
    assertThat(one.has("ttlSeconds")).isFalse();
    assertThat(one.path("channels")).extracting(JsonNode::asText).containsExactly("unix");
    assertThat(one.path("strict").asBoolean(true)).isFalse();
    assertThat(one.path("builtIn").asBoolean(true)).isFalse();
    assertThat(one.path("spiffeId").asText()).isEqualTo("spiffe://gw.example/edgeHub");
    assertThat(get("/modules/a%20b%25c").path("name").asText()).isEqualTo("a b%c");
  }

  @Test
  void certificatesAreListedNewestFirstInPagesAndShown() throws Exception {
    for (int i = 0; i < 3; i++) {
      RawClient.once(
          server.workload,
          Bodies.post("/v1/certificates?module=edgeHub", "{\"profile\":\"server\"}"));
    }
    JsonNode first = get("/certificates?module=edgeHub&limit=2");

    assertThat(first.path("items")).hasSize(2);
    JsonNode second = get("/certificates?limit=2&before=" + first.path("next").asText());
    assertThat(second.path("items")).hasSize(1);
    assertThat(second.has("next")).isFalse();
    JsonNode item = first.path("items").path(0);
    assertThat(item.fieldNames())
        .toIterable()
        .containsExactly(
            "serial",
            "module",
            "profile",
            "authority",
            "subject",
            "names",
            "notBefore",
            "notAfter",
            "state");
    assertThat(item.path("notAfter").asText())
        .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
    JsonNode shown = get("/certificates/" + item.path("serial").asText());
    assertThat(shown.path("tbsSha256").asText()).matches("[0-9a-f]{64}");
    assertThat(shown.path("spkiSha256").asText()).matches("[0-9a-f]{64}");
    assertThat(shown.path("generation").asText()).isEqualTo("1");
    assertThat(get("/certificates?module=nobody").path("items")).isEmpty();
    foundByWhatIsKnownOfThem(item.path("serial").asText());
  }

  private void foundByWhatIsKnownOfThem(String serial) throws Exception {
    String upper = serial.toUpperCase(Locale.ROOT);
    String recent = "since=2020-01-01T00:00:00Z";
    assertThat(get("/certificates?serial=" + upper).path("items")).hasSize(1);
    assertThat(get("/certificates?serial=40").path("items")).isEmpty();
    assertThat(get("/certificates?" + recent + "&state=issued").path("items")).hasSize(3);
    assertThat(get("/certificates?until=2020-01-01T00:00:00Z").path("items")).isEmpty();
    assertThat(get("/certificates?expiringWithin=86400&profile=server").path("items")).hasSize(3);
    assertThat(get("/certificates?expiringWithin=1").path("items")).isEmpty();
    assertThat(get("/certificates?authority=device-1&module=edgeHub").path("items")).hasSize(3);
    assertThat(get("/certificates?state=failed").path("items")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "sinse=2020-01-01T00:00:00Z|there is no parameter of that name",
        "since=yesterday|since:",
        "until=|until:",
        "expiringWithin=1h|expiringWithin:",
        "expiringWithin=-1|expiringWithin:",
        "state=revoked-or-so|state:",
        "authority=device-77|there is no device-77",
        "authority=%00|authority:",
        "serial=xyz|serial:",
        "before=nonsense!|before:"
      })
  void aQuestionThatCantBeIsToldWhatIsWrongWithIt(String query, String told) throws Exception {
    Answer answer = RawClient.once(server.admin, Bodies.get("/certificates?" + query));
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.json("code")).isEqualTo("request-invalid");
    assertThat(answer.json("detail")).contains(told);
  }

  @Test
  void authoritiesAndBundleAreShown() throws Exception {
    JsonNode items = get("/authorities").path("items");

    assertThat(items).hasSize(2);
    assertThat(items.path(0).path("role").asText()).isEqualTo("root");
    assertThat(items.path(1).path("role").asText()).isEqualTo("device");
    assertThat(items.path(1).path("state").asText()).isEqualTo("active");
    assertThat(items.path(0).path("sha256").asText()).isEqualTo(Pem.sha256(home.root()));
    assertThat(items.path(0).path("serial").asText()).isEqualTo(Pem.serial(home.root()));
    JsonNode bundle = get("/bundle");
    assertThat(bundle.path("sequence").asLong()).isEqualTo(1);
    assertThat(bundle.path("refreshSeconds").asLong()).isEqualTo(300);
    assertThat(bundle.path("etag").asText()).startsWith("\"").endsWith("\"");
    assertThat(bundle.path("pem").asText()).isEqualTo(Pem.of(home.root()));
    assertThat(bundle.path("extra")).isEmpty();
    assertThat(bundle.path("roots").path(0).path("sha256").asText())
        .isEqualTo(items.path(0).path("sha256").asText());
  }

  @Test
  void whatIsNotThereIsSaidSo() throws Exception {
    for (String target : new String[] {"/", "/modules/none", "/modules/", "/certificates/00ff"}) {
      Answer answer = RawClient.once(server.admin, Bodies.get(target));
      assertThat(answer.statusLine()).as(target).isEqualTo("HTTP/1.1 404 NotFound");
      assertThat(answer.header("content-type")).isEqualTo("application/problem+json");
      assertThat(answer.json("code")).isEqualTo("not-found");
    }
  }

  @Test
  void aBadQueryOrMethodIsNamed() throws Exception {
    for (String limit : new String[] {"0", "1001", "x", "-1", "99999999999", ""}) {
      Answer answer = RawClient.once(server.admin, Bodies.get("/certificates?limit=" + limit));
      assertThat(answer.status()).as(limit).isEqualTo(400);
      assertThat(answer.json("code")).isEqualTo("request-invalid");
    }
    Answer posted = RawClient.once(server.admin, Bodies.post("/status", "{}"));
    assertThat(posted.status()).isEqualTo(405);
    assertThat(posted.header("allow")).isEqualTo("GET, HEAD");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "``|primary",
        "{}|primary",
        "{\"which\":\"primary\"}|primary",
        "{\"which\":\"secondary\"}|secondary"
      })
  void aModulesKeyIsRevealedToAnAdministratorWhoIsNamedForTheRecord(String body, String which)
      throws Exception {
    Answer answer = RawClient.once(server.admin, Bodies.post("/modules/a%20b%25c/key", body));

    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 200 OK");
    assertThat(answer.header("cache-control")).isEqualTo("no-store");
    byte[] key =
        home.authority
            .moduleKeys()
            .reveal(
                new ModuleKeys.Module("a b%c", "1"),
                ModuleKeys.Which.valueOf(which.toUpperCase(Locale.ROOT)),
                "the administrator of this test");
    assertThat(key).hasSize(32);
    assertThat(answer.body())
        .isEqualTo(
            "{\"module\":\"a b%c\",\"generation\":\"1\",\"which\":\""
                + which
                + "\",\"algorithm\":\"HMAC-SHA256\",\"key\":\""
                + Base64.getEncoder().encodeToString(key)
                + "\"}");
    assertThat(authority.moduleKeys.revealed)
        .containsExactly("a b%c " + which.toUpperCase(Locale.ROOT) + " uid " + TestHome.OWN_UID);
  }

  @Test
  void noKeyIsRevealedByMistake() throws Exception {
    for (String body :
        new String[] {
          "{\"which\":\"Primary\"}",
          "{\"which\":1}",
          "{\"which\":null}",
          "{\"key\":\"primary\"}",
          "[]",
          "{\"which\":\"primary\",\"which\":\"secondary\"}",
          "x"
        }) {
      Answer answer = RawClient.once(server.admin, Bodies.post("/modules/edgeHub/key", body));
      assertThat(answer.json("code")).as(body).isEqualTo("request-invalid");
    }
    Answer read = RawClient.once(server.admin, Bodies.get("/modules/edgeHub/key"));
    assertThat(read.status()).as("a read has no effect").isEqualTo(405);
    assertThat(read.header("allow")).isEqualTo("POST");
    for (String path :
        new String[] {"/modules/none/key", "/modules//key", "/modules/edgeHub%2Fkey/key"}) {
      assertThat(RawClient.once(server.admin, Bodies.post(path, "{}")).status()).isEqualTo(404);
    }
    assertThat(RawClient.once(server.workload, Bodies.post("/modules/edgeHub/key", "{}")).status())
        .as("modules have no such path")
        .isIn(400, 404);
    assertThat(authority.moduleKeys.revealed).isEmpty();
    authority.moduleKeys.broken = IssuanceException.Reason.LEDGER_UNAVAILABLE;
    Answer unavailable = RawClient.once(server.admin, Bodies.post("/modules/edgeHub/key", "{}"));
    assertThat(unavailable.status()).isEqualTo(503);
    assertThat(unavailable.body()).doesNotContain("\"key\"");
  }

  private Answer post(String target, String body) throws IOException {
    return RawClient.once(server.admin, Bodies.post(target, body));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "``|where configured",
        "{}|where configured",
        "{\"authority\":\"device\"}|where configured",
        "{\"authority\":\"device\",\"keyStore\":\"pkcs11\"}|pkcs11",
        "{\"keyStore\":\"tpm\"}|tpm"
      })
  void anAuthorityIsPreparedWhereTheConfigurationSaysUnlessItIsSaid(String body, String store)
      throws Exception {
    Answer answer = post("/authorities/prepare", body);
    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 201 Created");
    assertThat(answer.json("id")).isEqualTo("device-1");
    assertThat(answer.json("keyStore")).isEqualTo("software");
    assertThat(authority.steps).containsExactly("prepare DEVICE " + store);
  }

  @Test
  void aRootIsPreparedWithoutTheOldOnesWordAndItIsSaidWhoCanNotFollow() throws Exception {
    Answer answer = post("/authorities/prepare", "{\"authority\":\"root\",\"now\":true}");
    assertThat(answer.statusLine()).isEqualTo("HTTP/1.1 201 Created");
    assertThat(answer.body()).contains("\"breaks\":[\"someone\"]");
    assertThat(authority.steps).containsExactly("prepare ROOT where configured now");
  }

  @Test
  void aPreparedAuthorityIsActivatedOrGivenUp() throws Exception {
    assertThat(post("/authorities/device-1/activate", "").json("state")).isEqualTo("active");
    assertThat(post("/authorities/device%2D1/abort", "{}").status()).isEqualTo(200);
    for (String state : new String[] {"prepared", "published", "active"}) {
      String from = "{\"from\":\"" + state + "\"}";
      assertThat(post("/authorities/device-1/abort", from).status()).isEqualTo(200);
    }
    assertThat(authority.steps)
        .containsExactly(
            "activate device-1",
            "abort device-1",
            "abort device-1 from PREPARED",
            "abort device-1 from PUBLISHED",
            "abort device-1 from ACTIVE");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "/authorities/prepare|{\"authority\":\"leaf\"}|400|authority: is neither",
        "/authorities/prepare|{\"authority\":1}|400|authority: is no string",
        "/authorities/prepare|{\"keyStore\":\"\"}|400|keyStore: is empty",
        "/authorities/prepare|{\"keyStore\":\"../x\"}|400|keyStore: is not the name",
        "/authorities/prepare|{\"keystore\":\"tpm\"}|400|keystore: there is no such field",
        "/authorities/prepare|{\"keyStore\":\"tpm\",\"keyStore\":\"tpm\"}|400|given twice",
        "/authorities/prepare|[]|400|no JSON object",
        "/authorities/prepare|{\"now\":true}|400|now: is of a root only",
        "/authorities/prepare|{\"authority\":\"root\",\"now\":1}|400|now: is neither true nor false",
        "/authorities/device-1/activate|{\"now\":1}|400|now: is neither true nor false",
        "/authorities/device-1/activate|{\"when\":true}|400|when: there is no such field",
        "/authorities/device-1/abort|{\"now\":true}|400|now: there is no such field",
        "/authorities/device-1/abort|{\"from\":\"retiring\"}|400|from: is neither",
        "/authorities/device-1/abort|{\"from\":true}|400|from: is no string",
        "/authorities/certificate|{}|400|certificates: is missing",
        "/authorities/certificate|{\"certificates\":\"\"}|400|certificates: is empty",
        "/authorities/certificate|{\"certificates\":\"x\",\"id\":\"y\"}|400|id: there is no such field",
        "/authorities/certificate|{\"certificates\":\"x\",\"now\":\"y\"}|400|now: is neither true nor",
        "/authorities/rotate|{\"now\":true}|400|now: there is no such field",
        "/authorities/rotate|{\"authority\":\"leaf\"}|400|authority: is neither",
        "/authorities/device-7/activate|{}|404|no authority of that id",
        "/authorities/device-7/abort|{}|404|no authority of that id",
        "/authorities/device-1/publish|{\"now\":true}|400|now: there is no such field",
        "/authorities/device-1/end|{}|404|not found",
        "/authorities/device-7/retire|{}|404|no authority of that id",
        "/authorities/device-1/x/activate|{}|404|not found",
        "/authorities/device-1|{}|404|not found",
        "/authorities/|{}|404|not found"
      })
  void aStepThatCanNotBeMeantIsRefusedAndNotTaken(
      String target, String body, int status, String said) throws Exception {
    Answer answer = post(target, body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.json("detail")).contains(said);
    assertThat(authority.steps).isEmpty();
  }

  @Test
  void whoeverDoesNotWaitIsToldWhoMayBreak() throws Exception {
    Answer retired = post("/authorities/device-1/retire", "{\"now\":true}");
    assertThat(retired.status()).isEqualTo(200);
    assertThat(retired.body()).contains("\"breaks\":[\"edgeHub: 1 living\"]");
    assertThat(post("/authorities/device-1/retire", "").body()).doesNotContain("breaks");
    assertThat(authority.steps).containsExactly("retire device-1", "retire device-1");
  }

  @Test
  void aRotationIsTakenInTheNameOfWhoeverAsked() throws Exception {
    Answer rotated = post("/authorities/rotate", "{\"authority\":\"device\"}");
    assertThat(rotated.status()).isEqualTo(200);
    assertThat(rotated.body()).contains("\"items\":[{");
    assertThat(authority.steps)
        .hasSize(1)
        .first()
        .asString()
        .matches("rotate DEVICE by uid [0-9]+");
  }

  @Test
  void whereTheRotationStandsIsShown() throws Exception {
    Answer standing = RawClient.once(server.admin, Bodies.get("/rotation"));
    assertThat(standing.status()).isEqualTo(200);
    assertThat(standing.body())
        .contains("\"device\":{\"active\":{\"id\":\"device-1\"")
        .contains("\"steps\":[{\"step\":\"prepare\"")
        .contains("\"journal\":[]");
  }

  @Test
  void aReadTakesNoStep() throws Exception {
    for (String target : new String[] {"/authorities/prepare", "/authorities/device-1/activate"}) {
      Answer answer = RawClient.once(server.admin, Bodies.get(target));
      assertThat(answer.status()).isEqualTo(405);
      assertThat(answer.header("allow")).isEqualTo("POST");
    }
    assertThat(authority.steps).isEmpty();
  }

  @Test
  void modulesCanTakeNoStep() throws Exception {
    for (String target : new String[] {"/authorities/prepare", "/authorities/device-1/activate"}) {
      assertThat(RawClient.once(server.workload, Bodies.post(target, "{}")).status())
          .isIn(400, 404);
    }
    assertThat(authority.steps).isEmpty();
  }

  @Test
  void anAdministratorIsToldWhyAStepWasNotTaken() throws Exception {
    authority.noStep =
        new IssuanceException(
            IssuanceException.Reason.AUTHORITY_STATE, "device-2 is prepared already");
    Answer taken = post("/authorities/prepare", "{}");
    assertThat(taken.status()).isEqualTo(409);
    assertThat(taken.json("code")).isEqualTo("authority-state");
    assertThat(taken.json("detail")).isEqualTo("device-2 is prepared already");
    authority.noStep =
        new IssuanceException(
            IssuanceException.Reason.KEY_STORE_UNAVAILABLE,
            "the key store is away",
            new IOException("[keys] pkcs11-uri: no token 'gw'"));
    Answer away = post("/authorities/prepare", "{}");
    assertThat(away.status()).isEqualTo(503);
    assertThat(away.header("retry-after")).isNotEmpty();
    assertThat(away.json("detail")).contains("is away: [keys] pkcs11-uri: no token 'gw'");
    authority.noStep =
        new IssuanceException(
            IssuanceException.Reason.AUTHORITY_WAITS, "in a moment", Duration.ofMillis(41_001));
    Answer waits = post("/authorities/device-1/retire", "{}");
    assertThat(waits.status()).isEqualTo(503);
    assertThat(waits.json("code")).isEqualTo("authority-waits");
    assertThat(waits.header("retry-after")).isEqualTo("42");
    authority.noStep =
        new IssuanceException(
            IssuanceException.Reason.SIGNATURE_FAILED,
            "the key store did not sign",
            new IOException("[keys] tpm-key-auth: refused"));
    Answer failed = post("/authorities/device-1/activate", "{}");
    assertThat(failed.status()).isEqualTo(500);
    assertThat(failed.json("detail")).contains("[keys] tpm-key-auth: refused");
  }

  @Test
  void keyStoresAreShownWithWhatTheirKeysDo() throws Exception {
    authority.stores =
        Map.of("software", new KeyStoreHealth(KeyStoreHealth.State.LOCKED, "a PIN was refused"));
    JsonNode shown = get("/key-stores");
    JsonNode store = shown.path("items").path(0);
    assertThat(store.path("name").asText()).isEqualTo("software");
    assertThat(store.path("state").asText()).isEqualTo("locked");
    assertThat(store.path("reason").asText()).isEqualTo("a PIN was refused");
    assertThat(shown.path("proofs")).hasSize(2);
    assertThat(shown.path("proofs"))
        .allSatisfy(proof -> {
          assertThat(proof.path("outcome").asText()).isEqualTo("works");
          assertThat(proof.path("keyStore").asText()).isEqualTo("software");
          assertThat(proof.path("detail").asText()).isNotEmpty();
        });
    assertThat(get("/status").path("keyStores")).isEqualTo(shown.path("items"));
  }

  @Test
  void theSocketsHaveTheirModes() throws Exception {
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(server.admin)))
        .isEqualTo("rw-rw----");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(server.workload)))
        .isEqualTo("rw-rw-rw-");
    assertThat(
            PosixFilePermissions.toString(Files.getPosixFilePermissions(server.admin.getParent())))
        .isEqualTo("rwxr-xr-x");
  }

  @Test
  void modulePathsAreNotServedHere() throws Exception {
    assertThat(RawClient.once(server.admin, Bodies.get("/v1/identity")).status()).isEqualTo(404);
  }

  @Test
  void aRequestForACertificateIsShownAnsweredAndGivenUp() throws Exception {
    assertThat(RawClient.once(server.admin, Bodies.get("/authorities/requests")).body())
        .isEqualTo("{\"items\":[]}");
    authority.requested =
        new AuthorityRequest("device-2", "software", "CN=two", "-----BEGIN", false);
    Answer waiting = RawClient.once(server.admin, Bodies.get("/authorities/requests"));
    assertThat(waiting.body())
        .contains("\"id\":\"device-2\"", "\"state\":\"prepared\"", "\"request\":\"-----BEGIN\"");
    Answer taken = post("/authorities/certificate", "{\"certificates\":\"PEM\",\"now\":true}");
    assertThat(taken.status()).as(taken.body()).isEqualTo(200);
    assertThat(taken.body()).contains("\"breaks\":[\"edgeHub: 1 living\"]");
    Answer given = post("/authorities/device-2/abort", "{}");
    assertThat(given.json("state")).isEqualTo("retired");
    assertThat(post("/authorities/device-2/abort", "{}").status()).isEqualTo(404);
    assertThat(authority.steps).containsExactly("accept PEM", "give up device-2");
  }
}
