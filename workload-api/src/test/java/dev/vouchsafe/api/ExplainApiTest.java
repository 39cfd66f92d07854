package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.api.RawClient.Answer;
import java.io.IOException;
import java.nio.file.Path;
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
