package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.api.RawClient.Answer;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.Selector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An administrator asks why a process is, or isn't, a module. */
class ExplainApiTest {
  @TempDir private static Path folder;
  private static TestHome home;
  private static TestServer server;

  @BeforeAll
  static void start() throws Exception {
    home = TestHome.in(folder);
    home.add(TestHome.own("web server"));
    home.add(TestHome.foreign("other"));
    home.add(strict());
    server = TestServer.start(home);
  }

  @AfterAll
  static void stop() {
    server.close();
    home.close();
  }

  private static Answer explain(String name, String body) throws IOException {
    return RawClient.once(server.admin, Bodies.post("/modules/" + name + "/explain", body));
  }

  private static String own() {
    return "{\"pid\":" + ProcessHandle.current().pid() + "}";
  }

  @Test
  void aProcessThatIsTheModuleIsShownSelectorBySelector() throws Exception {
    Answer answer = explain("web%20server", own());
    assertThat(answer.status()).isEqualTo(200);
    JsonNode found = Bodies.read(answer.body());
    assertThat(found.path("module").asText()).isEqualTo("web server");
    assertThat(found.path("outcome").asText()).isEqualTo("attested");
    assertThat(found.path("lookedAt").asText()).isEqualTo("process");
    assertThat(found.has("reason")).isFalse();
    assertThat(found.path("selectors")).hasSize(1);
    assertThat(found.path("selectors").get(0).path("wanted").asText())
        .isEqualTo("unix:uid:" + TestHome.OWN_UID);
    assertThat(found.path("selectors").get(0).path("outcome").asText()).isEqualTo("holds");
    assertThat(found.path("rules")).isNotEmpty();
  }

  private static Registration strict() {
    Registration own = TestHome.own("strict");
    return new Registration(
        own.name(),
        own.generation(),
        List.of(own.selectors().getFirst(), new Selector.ScriptSha256("ab".repeat(32))),
        own.profiles(),
        own.dns(),
        own.ip(),
        own.spiffePath(),
        own.ttl(),
        own.audiences(),
        own.channels(),
        true);
  }

  @Test
  void whatOnlyAConnectionWouldShowIsNotedAndNothingElseIs() throws Exception {
    assertThat(Bodies.read(explain("web%20server", own()).body()).path("notes")).isEmpty();
    JsonNode script = Bodies.read(explain("strict", own()).body());
    assertThat(script.path("outcome").asText()).as("this is no script").isEqualTo("refused");
    assertThat(script.path("notes")).singleElement().asString().contains("process:script-sha256");
    try (TestHome another = TestHome.in(Files.createDirectory(folder.resolve("another")))) {
      another.add(strict());
      ApiParts parts = another.with(new FakeAttestor(), another.authority);
      try (TestServer fake = TestServer.start(another, parts)) {
        String request = Bodies.post("/modules/strict/explain", own());
        JsonNode found = Bodies.read(RawClient.once(fake.admin, request).body());
        assertThat(found.path("outcome").asText()).isEqualTo("attested");
        assertThat(found.path("notes")).hasSize(2);
        assertThat(found.path("notes").get(0).asText())
            .startsWith("strict: only a connection shows")
            .contains("Java");
      }
    }
  }

  @Test
  void aProcessThatIsNotTheModuleIsShownWithTheReason() throws Exception {
    JsonNode found = Bodies.read(explain("other", own()).body());
    assertThat(found.path("outcome").asText()).isEqualTo("refused");
    assertThat(found.path("reason").asText()).isEqualTo("selector-mismatch");
    assertThat(found.path("selectors").get(0).path("outcome").asText()).isEqualTo("does-not-hold");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "nobody | {\"pid\":1} | 404",
        "other | {\"pid\":4194304} | 404",
        "other | {\"pid\":0} | 400",
        "other | {\"pid\":-1} | 400",
        "other | {\"pid\":4194305} | 400",
        "other | {\"pid\":4294967297} | 400",
        "other | {\"pid\":99999999999999999999999} | 400",
        "other | {\"pid\":1.5} | 400",
        "other | {\"pid\":\"1\"} | 400",
        "other | {\"pid\":1,\"pid\":1} | 400",
        "other | {\"pid\":1,\"x\":1} | 400",
        "other | {} | 400",
        "other | [] | 400",
        "other | x | 400"
      })
  void whatMakesNoSenseIsToldApart(String name, String body, int status) throws Exception {
    assertThat(explain(name, body).status()).isEqualTo(status);
  }

  @Test
  void theModulesSocketDoesNotExplain() throws Exception {
    String request = Bodies.post("/modules/other/explain?api-version=2018-06-28", own());
    assertThat(RawClient.once(server.workload, request).status()).isEqualTo(404);
    assertThat(RawClient.once(server.admin, Bodies.get("/modules/other/explain")).status())
        .isEqualTo(405);
  }
}
