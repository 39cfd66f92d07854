package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code vouchsafe module explain}: what it prints, and what the shell is told. */
class ModuleExplainTest {
  private static final String ANSWER =
      """
      {"module":"web","generation":"1","pid":7,"lookedAt":"process","outcome":OUTCOME,REASON
       "selectors":[{"part":"selectors","wanted":"unix:uid:1","measured":"uid 1","outcome":"holds"},
                    {"part":"any 1","wanted":"unix:path:/x","measured":"\\u001b[2J\\n/y",
                     "outcome":"does-not-hold"}],
       "rules":[{"part":"rules","wanted":"nobody traces it","measured":"nobody does",
                 "outcome":"holds"}]}\
      """;

  @TempDir private Path folder;

  @BeforeEach
  void makeFolder() throws Exception {
    Files.createDirectory(home().run());
  }

  private Home home() {
    return Home.at(folder);
  }

  private CliRun.Ended run(String... arguments) {
    return CliRun.at(folder).run(arguments);
  }

  private static String answer(String outcome, String reason) {
    return FakeService.json(
        200, ANSWER.replace("OUTCOME", "\"" + outcome + "\"").replace("REASON", reason));
  }

  @ParameterizedTest
  @CsvSource({"attested,0", "refused,3", "unavailable,4"})
  void theVerdictIsTheExitCode(String outcome, int code) throws Exception {
    String reason = outcome.equals("attested") ? "" : "\"reason\":\"r-c\",\"detail\":\"because\",";
    try (FakeService service =
        FakeService.answering(home().adminSocket(), answer(outcome, reason))) {
      CliRun.Ended ended = run("module", "explain", "--pid", "7", "web");
      assertThat(ended.code()).isEqualTo(code);
      assertThat(ended.out())
          .contains("unix:uid:1: uid 1")
          .contains("any 1 unix:path:/x: ?[2J?/y")
          .contains("nobody traces it: nobody does")
          .contains("process 7 and module web: " + outcome);
      assertThat(ended.out().contains("r-c: because")).isEqualTo(code != 0);
      assertThat(service.request())
          .startsWith("POST /modules/web/explain ")
          .endsWith("{\"pid\":7}");
    }
  }

  @Test
  void whatOnlyAConnectionShowsIsNotedBesideTheVerdict() throws Exception {
    String notes = "\"notes\":[\"strict: only a connection\\n\",\"another\"],";
    try (FakeService _ = FakeService.answering(home().adminSocket(), answer("attested", notes))) {
      CliRun.Ended ended = run("module", "explain", "--pid", "7", "web");
      assertThat(ended.code()).isZero();
      assertThat(ended.out())
          .endsWith(
              """
              process 7 and module web: attested, as far as a process shows
              note: strict: only a connection?
              note: another
              """);
    }
  }

  @Test
  void aProgramIsGivenTheWholeAnswer() throws Exception {
    try (FakeService _ =
        FakeService.answering(
            home().adminSocket(),
            answer("refused", "\"reason\":\"r-c\",\"detail\":\"because\","))) {
      CliRun.Ended ended = run("module", "explain", "--pid", "7", "web", "-o", "json");
      assertThat(ended.code()).isEqualTo(3);
      assertThat(ended.out()).contains("\"lookedAt\"", "\"r-c\"", "\"does-not-hold\"");
    }
  }

  @Test
  void anAnswerWithoutAVerdictIsAFailureAndSoIsAModuleThatIsNotThere() throws Exception {
    try (FakeService _ = FakeService.answering(home().adminSocket(), FakeService.json(200, "{}"))) {
      assertThat(run("module", "explain", "--pid", "7", "web").code()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "module explain web",
        "module explain --pid 0 web",
        "module explain --pid x web",
        "module explain --pid 7"
      })
  void aWrongCommandLineAsksNothing(String line) {
    CliRun.Ended ended = run(line.split(" ", -1));
    assertThat(ended.code()).isEqualTo(2);
    assertThat(ended.out()).isEmpty();
  }
}
