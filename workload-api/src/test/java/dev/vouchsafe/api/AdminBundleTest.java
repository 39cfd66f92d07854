package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.trust.BundleFormat;
import dev.vouchsafe.trust.TrustBundle;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** CAs of other servers come into the bundle and go, by administrators only and on record. */
class AdminBundleTest {
  private static final String ADD = "/bundle/add";
  private static final String REMOVE = "/bundle/remove";

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

  private static String pem(String name) throws IOException {
    try (InputStream in = AdminBundleTest.class.getResourceAsStream("bundle/" + name + ".pem")) {
      return new String(in.readAllBytes(), StandardCharsets.US_ASCII);
    }
  }

  private Answer post(String target, String member, String value) throws IOException {
    byte[] body = Json.object(json -> json.writeStringField(member, value));
    return RawClient.once(
        server.admin, Bodies.post(target, new String(body, StandardCharsets.US_ASCII)));
  }

  private Answer add(String pem) throws IOException {
    return post(ADD, "certificates", pem);
  }

  private JsonNode bundle() throws IOException {
    return Bodies.read(RawClient.once(server.admin, Bodies.get("/bundle")).body());
  }

  private List<AuditEvent.Act> acts() {
    return home.audit.acts();
  }

  @Test
  void anAddedCaIsInWhatModulesGetAndNeverInTheSpiffeBundleUntilItIsRemoved() throws Exception {
    byte[] keys = home.bundles.encoded(BundleFormat.JWKS);
    Answer added = add(pem("root-rsa") + pem("root-p384"));
    assertThat(added.status()).as(added.body()).isEqualTo(201);
    assertThat(added.json("sequence")).isEqualTo("2");
    String modules = RawClient.once(server.workload, Bodies.get("/v1/trust-bundle")).body();
    assertThat(modules).isEqualTo(Pem.of(home.root()) + pem("root-rsa") + pem("root-p384"));
    Answer edge =
        RawClient.once(server.workload, Bodies.get("/trust-bundle?api-version=2020-07-07"));
    assertThat(edge.json("certificate")).isEqualTo(modules);
    assertThat(new String(home.bundles.encoded(BundleFormat.JWKS), StandardCharsets.US_ASCII))
        .isEqualTo(
            new String(keys, StandardCharsets.US_ASCII)
                .replace("\"spiffe_sequence\":1", "\"spiffe_sequence\":2"));

    JsonNode shown = bundle().path("extra").path(0);
    assertThat(shown.path("subject").asText()).isEqualTo("CN=root-rsa");
    assertThat(shown.path("addedBy").asText()).isEqualTo("uid " + TestHome.OWN_UID);
    assertThat(shown.path("addedAt").asText()).isEqualTo(Times.text(home.clock.instant()));
    String id = shown.path("sha256").asText();
    Answer removed = post(REMOVE, "id", id.substring(0, 8));
    assertThat(removed.status()).as(removed.body()).isEqualTo(200);
    assertThat(home.bundles.current().sequence()).isEqualTo(3);
    assertThat(bundle().path("extra")).hasSize(1);
    assertThat(acts())
        .extracting(AuditEvent.Act::action)
        .containsExactly("add-to-bundle", "remove-from-bundle");
    assertThat(acts())
        .allSatisfy(act -> {
          assertThat(act.uid()).isEqualTo(TestHome.OWN_UID);
          assertThat(act.result()).isEqualTo("done");
          assertThat(act.object()).contains(id + " CN=root-rsa");
        });
  }

  @Test
  void oneWhoWaitsIsWoken() throws Exception {
    String tag = home.bundles.entityTag(BundleFormat.PEM);
    try (RawClient client = RawClient.connect(server.workload)) {
      client.send(
          "GET /v1/trust-bundle?wait=300 HTTP/1.1\r\nHost: x\r\nIf-None-Match: "
              + tag
              + "\r\n\r\n");
      assertThat(add(pem("root-rsa")).status()).isEqualTo(201);
      assertThat(client.answer().header("vouchsafe-bundle-sequence")).isEqualTo("2");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "leaf,409,bundle-not-a-ca",
    "weak-rsa,409,bundle-weak-key",
    "expired,409,bundle-not-valid",
    "future,409,bundle-not-valid",
    "root-p384+root-p384,409,bundle-duplicate",
    "root-p384+leaf,409,bundle-not-a-ca",
    "root-p384+expired,409,bundle-not-valid",
    "root-p384+root-rsa,409,bundle-duplicate",
    "OWN-ROOT,409,bundle-own-authority",
    "OWN-DEVICE,409,bundle-own-authority",
    "KEY,400,bundle-private-key",
    "TEXT,400,bundle-file",
    "LARGE,400,bundle-file"
  })
  void whatIsNotToBeTrustedChangesNothingAndIsOnRecord(String what, int status, String code)
      throws Exception {
    assertThat(add(pem("root-rsa")).status()).isEqualTo(201);
    TrustBundle before = home.bundles.current();
    byte[] file = Files.readAllBytes(folder.resolve("bundle.json"));
    Answer answer = add(text(what));
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.json("code")).isEqualTo(code);
    assertThat(answer.json("detail")).contains(";");
    assertThat(home.bundles.current()).isEqualTo(before);
    assertThat(folder.resolve("bundle.json")).hasBinaryContent(file);
    assertThat(acts().getLast().result()).isEqualTo(code);
  }

  private String text(String what) throws IOException {
    return switch (what) {
      case "OWN-ROOT" -> Pem.of(home.root());
      case "OWN-DEVICE" -> Pem.of(home.authority.authorities().getLast().certificate());
      case "KEY" ->
          pem("root-p384") + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
      case "TEXT" -> "hello";
      case "LARGE" -> " ".repeat(50_000) + pem("root-p384");
      default -> {
        StringBuilder all = new StringBuilder();
        for (String name : what.split("\\+", -1)) {
          all.append(pem(name));
        }
        yield all.toString();
      }
    };
  }

  @Test
  void aRootOfOursOrWhatIsNotThereIsNotRemoved() throws Exception {
    Answer root = post(REMOVE, "id", Pem.sha256(home.root()));
    assertThat(root.status()).isEqualTo(409);
    assertThat(root.json("code")).isEqualTo("bundle-own-authority");
    for (String id : List.of("0123456789abcdef", "../../etc", "AB", "\u0007")) {
      Answer unknown = post(REMOVE, "id", id);
      assertThat(unknown.status()).isEqualTo(404);
      assertThat(unknown.json("code")).isEqualTo("bundle-unknown");
    }
    assertThat(home.bundles.current().sequence()).isEqualTo(1);
    assertThat(acts()).extracting(AuditEvent.Act::result).doesNotContain("done");
  }

  @Test
  void whatCannotBeRecordedIsNotDone() throws Exception {
    home.audit.fault = "disk full";
    Answer answer = add(pem("root-rsa"));
    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.json("code")).isEqualTo("audit-unavailable");
    assertThat(home.bundles.current().sequence()).isEqualTo(1);
  }

  @Test
  void aBundleThatCannotBeWrittenStaysAsItWas() throws Exception {
    Path file = folder.resolve("bundle.json");
    Files.move(file, folder.resolve("kept"));
    Files.createDirectories(file.resolve("in-the-way"));
    Answer answer = add(pem("root-rsa"));
    assertThat(answer.status()).isEqualTo(503);
    assertThat(answer.json("code")).isEqualTo("bundle-not-kept");
    assertThat(home.bundles.current().extra()).isEmpty();
    assertThat(acts())
        .extracting(AuditEvent.Act::result)
        .containsExactly("done", "bundle-not-kept");
    Files.delete(file.resolve("in-the-way"));
    Files.delete(file);
    assertThat(add(pem("root-rsa")).status()).isEqualTo(201);
  }

  @Test
  void ofTwoAdministratorsAtOnceEachSeesWhatTheOtherDid() throws Exception {
    ExecutorService administrators = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Answer>> asked = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        String name = i % 2 == 0 ? "root-rsa" : "root-p384";
        asked.add(() -> add(pem(name)));
      }
      List<Integer> statuses = new ArrayList<>();
      for (Future<Answer> answer : administrators.invokeAll(asked)) {
        statuses.add(answer.get().status());
      }
      assertThat(statuses).containsOnly(201, 409);
      assertThat(statuses).filteredOn(status -> status == 201).hasSize(2);
    } finally {
      administrators.shutdownNow();
    }
    assertThat(home.bundles.current().extra()).hasSize(2);
    assertThat(home.bundles.current().sequence()).isEqualTo(3);
    assertThat(acts()).filteredOn(act -> act.result().equals("done")).hasSize(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "/bundle/add|{}|400|certificates: is missing",
        "/bundle/add|{\"certificates\":7}|400|certificates: is no string",
        "/bundle/add|{\"certificates\":\"\"}|400|certificates: is empty",
        "/bundle/add|{\"id\":\"x\"}|400|id: there is no such field",
        "/bundle/remove|{}|400|id: is missing",
        "/bundle/remove|{\"id\":\"a\",\"id\":\"b\"}|400|given twice",
        "/bundle/change|{}|405|",
      })
  void aRequestOfAnotherShapeIsRefused(String target, String body, int status, String said)
      throws Exception {
    Answer answer = RawClient.once(server.admin, Bodies.post(target, body));
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.json("detail")).contains(said == null ? "" : said);
  }

  @Test
  void modulesCannotChangeTheBundle() throws Exception {
    for (String target : List.of(ADD, REMOVE)) {
      assertThat(RawClient.once(server.workload, Bodies.post(target, "{}")).status())
          .isIn(400, 404);
      assertThat(RawClient.once(server.admin, Bodies.get(target)).status()).isEqualTo(405);
    }
  }
}
