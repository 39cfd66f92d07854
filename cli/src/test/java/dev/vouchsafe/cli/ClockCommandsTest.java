package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the clock commands make of the service's answers. */
class ClockCommandsTest {
  private static final String TRUSTED =
      """
      {"time":"2026-12-01T10:00:00Z","machine":"2026-12-01T10:00:00Z","floor":"2026-12-01T09:59:59Z",
      "built":"2026-11-01T00:00:00Z","trusted":true,"verdict":"trusted","untrusted":"bounded",
      "synchronised":"yes","certain":true,"jumps":1,
      "last":{"kind":"jumped","from":"2026-12-01T09:00:00Z","to":"2026-12-01T10:00:00Z","verdict":"trusted"}}\
      """;
  private static final String AHEAD =
      """
      {"time":"2026-12-01T10:00:00Z","machine":"2036-12-01T10:00:00Z","floor":"2026-12-01T10:00:00Z",
      "built":"2026-11-01T00:00:00Z","trusted":false,"verdict":"far-ahead","untrusted":"stop",
      "synchronised":"no","certain":false,"jumps":0,"fault":"can't be written: no\\u001b[31m space"}\
      """;

  @TempDir Path folder;

  @BeforeEach
  void makeRun() throws IOException {
    Files.createDirectories(Home.at(folder).run());
  }

  private CliRun.Ended asked(int status, String body, String... args) throws IOException {
    // Each test asks several services, one after the other, at the one path.
    Files.deleteIfExists(Home.at(folder).adminSocket());
    try (FakeService _ =
        FakeService.answering(
            Home.at(folder).adminSocket(), FakeService.json(status, body.replace("\n", "")))) {
      return CliRun.at(folder).run(args);
    }
  }

  @Test
  void aTrustedClockIsToldWithBothTimesAndTheLastChange() throws IOException {
    CliRun.Ended ended = asked(200, TRUSTED, "clock", "status");
    assertThat(ended.code()).isZero();
    assertThat(ended.out().lines())
        .containsExactly(
            "clock:        trusted",
            "time:         2026-12-01T10:00:00Z",
            "machine:      2026-12-01T10:00:00Z",
            "floor:        2026-12-01T09:59:59Z",
            "synchronised: yes",
            "jumps:        1",
            "last change:  jumped, from 2026-12-01T09:00:00Z to 2026-12-01T10:00:00Z",
            "next: nothing");
  }

  /** The steps of authorities that wait for it send administrators here. */
  @Test
  void ofATimeInDoubtItSaysWhatWaitsAndWhatIsToBeDone() throws IOException {
    String doubted = TRUSTED.replace("\"certain\":true", "\"certain\":false");
    CliRun.Ended ended = asked(200, doubted, "clock", "status");
    assertThat(ended.code()).isZero();
    assertThat(ended.out())
        .contains("clock:        trusted, not certain")
        .containsPattern("next: look whether .* right, and then: vouchsafe .*clock accept ")
        .contains("no authority retires");
    Finding finding = ClockChecks.ofService(Json.read(doubted));
    assertThat(finding.status()).isEqualTo(Finding.Status.WARN);
    assertThat(finding.advice().orElseThrow()).contains("vouchsafe clock accept");
  }

  @Test
  void anUntrustedClockIsAFailureWithTheNextStepAndNoControlCharacter() throws IOException {
    CliRun.Ended ended = asked(200, AHEAD, "clock", "status");
    assertThat(ended.code()).isEqualTo(1);
    assertThat(ended.out())
        .contains("not trusted: far-ahead; nothing is issued", "no?[31m space")
        .contains("next: set the machine's clock; if it is right as it is: vouchsafe")
        .contains("clock accept");
    CliRun.Ended json = asked(200, AHEAD, "clock", "status", "-o", "json");
    assertThat(json.code()).isEqualTo(1);
    assertThat(json.json().path("verdict").asText()).isEqualTo("far-ahead");
    assertThat(json.json().path("next").asText()).contains("clock accept");
    CliRun.Ended early = asked(200, AHEAD.replace("far-ahead", "behind-build"), "clock", "status");
    assertThat(early.out()).contains("next: set the machine's clock").doesNotContain("accept");
  }

  @Test
  void whatIsAcceptedIsShownAndWhatIsNotSaysWhy() throws IOException {
    assertThat(asked(200, TRUSTED, "clock", "accept").out()).startsWith("clock:        trusted");
    assertThat(asked(200, TRUSTED, "clock", "accept", "-o", "json").json().path("jumps").asInt())
        .isEqualTo(1);
    CliRun.Ended impossible =
        asked(
            409,
            "{\"code\":\"clock-behind-build\",\"detail\":\"set the clock first\"}",
            "clock",
            "accept");
    assertThat(impossible.code()).isEqualTo(1);
    assertThat(impossible.err()).contains("clock-behind-build: set the clock first");
    CliRun.Ended notKept =
        asked(503, "{\"code\":\"clock-not-kept\",\"detail\":\"disk full\"}", "clock", "accept");
    assertThat(notKept.code()).isEqualTo(4);
  }

  @Test
  void withoutAServiceItIsUnavailable() {
    assertThat(CliRun.at(folder).run("clock", "status").code()).isEqualTo(4);
    assertThat(CliRun.at(folder).run("clock", "accept").code()).isEqualTo(4);
    assertThat(CliRun.at(folder).run("clock", "frobnicate").code()).isEqualTo(2);
  }
}
