package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the steps of a rotation say, as text and as JSON, and which answer becomes which status. */
class CaCommandsTest {
  @TempDir Path folder;

  @BeforeEach
  void makeRun() throws IOException {
    Files.createDirectories(home().adminSocket().getParent());
  }

  private Home home() {
    return Home.at(folder);
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(folder).run(args);
  }

  private static String authority(String id, String state) {
    return """
    {"id":"%s","role":"%s","state":"%s","keyStore":"software",
     "notAfter":"2028-11-05T10:20:30Z"}\
    """
        .formatted(id, id.startsWith("root") ? "root" : "device", state);
  }

  private static String authorities(String... states) {
    StringBuilder items = new StringBuilder();
    for (String each : states) {
      String[] parts = each.split(" ", -1);
      items.append(items.isEmpty() ? "" : ",").append(authority(parts[0], parts[1]));
    }
    return "{\"items\":[" + items + "]}";
  }

  /** A standing whose last step is that. */
  private static String rotation(String step, String authority, String outcome) {
    return """
    {"at":"2027-01-01T00:00:00Z","automatic":true,"window":"sat 02:00-04:00",
     "problem":"device-2 was given up by uid 7\\u001b[2J",
     "device":{"active":%s,"steps":[
       {"step":"retire","authority":"device-1","automatic":true,
        "from":"2027-01-01T01:00:00Z","waitsFor":["3 living certificates"],
        "affects":["edgeHub: 3 living"]},
       {"step":"prepare","authority":"","automatic":true,
        "from":"2027-11-05T10:20:30Z","waitsFor":[],"affects":["a key"]}]},
     "root":{"active":%s,"next":%s,"steps":[
       {"step":"publish","authority":"root-2","automatic":false,
        "from":"2027-01-01T00:00:00Z","waitsFor":[],"affects":["both roots"]}]},
     "journal":[{"at":"2026-12-31T23:59:00Z","role":"%s","step":"%s","authority":"%s",
       "by":"uid 0","outcome":"%s"}]}\
    """
        .formatted(
            authority("device-2", "active"),
            authority("root-1", "active"),
            authority("root-2", "prepared"),
            authority.startsWith("root") ? "root" : "device",
            step,
            authority,
            outcome);
  }

  private FakeService service(String authorities, String step) throws IOException {
    return service(authorities, "", step);
  }

  /** One whose device CA is to be followed by that one. */
  private FakeService service(String authorities, String next, String step) throws IOException {
    String coming = next.isEmpty() ? "" : "\"next\":" + authority(next, "prepared") + ",";
    return FakeService.answering(
        home().adminSocket(),
        line -> {
          if (line.startsWith("GET /authorities")) {
            return FakeService.json(200, authorities);
          }
          if (line.startsWith("GET /rotation")) {
            return FakeService.json(
                200,
                rotation("prepare", "", "interrupted")
                    .replace("\"device\":{", "\"device\":{" + coming));
          }
          return line.startsWith("GET /key-stores")
              ? FakeService.json(
                  200,
                  "{\"items\":[{\"name\":\"software\",\"state\":\"up\",\"reason\":\"\"}],"
                      + "\"proofs\":[{\"authority\":\"device-2\",\"keyStore\":\"software\","
                      + "\"outcome\":\"works\",\"detail\":\"\"}]}")
              : step;
        });
  }

  private static String done(String id, String state) {
    return FakeService.json(200, authority(id, state));
  }

  private static String problem(int status, String code, String detail, String retryAfter) {
    String body =
        "{\"type\":\"about:blank\",\"status\":%d,\"code\":\"%s\",\"detail\":\"%s\"}"
            .formatted(status, code, detail);
    return FakeService.json(status, body)
        .replace(
            "Content-Type", retryAfter.isEmpty() ? "Content-Type" : retryAfter + "Content-Type");
  }

  @Test
  void thePlanHasEveryStepWithWhatItWaitsForAndWhomItAffects() throws IOException {
    try (FakeService _ = service(authorities(), "")) {
      CliRun.Ended text = run("ca", "plan");
      assertThat(text.code()).isZero();
      assertThat(text.out())
          .contains("device-2 signs, its key in key store software, until 2028-11-05T10:20:30Z")
          .contains("1. retire device-1, from 2027-01-01T01:00:00Z, by itself")
          .contains("   waits for: 3 living certificates")
          .contains("   affects: edgeHub: 3 living")
          .contains("2. prepare a new device CA, from 2027-11-05T10:20:30Z, by itself");
      assertThat(run("ca", "plan", "--authority", "root").out())
          .contains("root-1 signs")
          .contains("1. publish root-2, from 2027-01-01T00:00:00Z, by you");
      JsonNode json = run("ca", "plan", "-o", "json").json();
      assertThat(json.at("/active/id").asText()).isEqualTo("device-2");
      assertThat(json.path("steps")).hasSize(2);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "prepare,''",
    "prepare,root-2",
    "publish,root-2",
    "activate,device-2",
    "activate,root-2",
    "retire,device-1",
    "retire,root-1",
    "abort,device-2",
    "abort,root-2"
  })
  void statusSaysInOneScreenWhatAKillInTheMiddleOfAStepLeft(String step, String authority)
      throws IOException {
    try (FakeService _ =
        FakeService.answering(
            home().adminSocket(),
            line ->
                line.startsWith("GET /rotation")
                    ? FakeService.json(200, rotation(step, authority, "interrupted"))
                    : FakeService.json(200, authorities("device-2 active", "device-1 retiring")))) {
      CliRun.Ended text = run("ca", "status");
      assertThat(text.code()).as(text.err()).isZero();
      assertThat(text.out().lines().count()).as("one screen").isLessThanOrEqualTo(24);
      assertThat(text.out())
          .containsPattern("device +device-2 +2028-11-05T10:20:30Z +retire device-1")
          .containsPattern("root +root-1 .*publish root-2 +2027-01-01T00:00:00Z +you")
          .contains("waits for: 3 living certificates")
          .contains("maintenance window (UTC): sat 02:00-04:00")
          .contains("held up: device-2 was given up by uid 7?[2J")
          .contains("last step: 2026-12-31T23:59:00Z " + step + " ")
          .contains(
              " by uid 0: interrupted; the service ended in the middle of it, and nothing of it")
          .containsPattern(
              "next: what was cut off, if it is still wanted: vouchsafe .*ca "
                  + step
                  + (authority.isEmpty() ? "" : " " + authority)
                  + "\\n")
          .doesNotContain("\u001b");
      JsonNode json = run("ca", "status", "-o", "json").json();
      assertThat(json.at("/rotation/journal/0/outcome").asText()).isEqualTo("interrupted");
      assertThat(json.at("/rotation/journal/0/step").asText()).isEqualTo(step);
      assertThat(json.at("/rotation/device/steps/0/waitsFor/0").asText()).contains("3 living");
    }
  }

  @Test
  void rotateSaysWhatWasDoneAndWhatTheRestWaitsFor() throws IOException {
    String taken =
        "{\"items\":["
            + authority("device-2", "prepared")
            + ","
            + authority("device-2", "active")
            + "]}";
    try (FakeService service = service(authorities(), FakeService.json(200, taken))) {
      CliRun.Ended text = run("ca", "rotate");
      assertThat(text.code()).isZero();
      assertThat(text.out())
          .contains("device-2 is prepared, its key in key store software")
          .contains("device-2 is active")
          .contains("next: retire device-1, from 2027-01-01T01:00:00Z, by itself")
          .contains("  waits for: 3 living certificates");
      assertThat(service.requests())
          .contains("POST /authorities/rotate {\"authority\":\"device\"}");
      JsonNode json = run("ca", "rotate", "--authority", "root", "-o", "json").json();
      assertThat(json.path("items")).hasSize(2);
      assertThat(json.at("/rotation/root/next/id").asText()).isEqualTo("root-2");
      assertThat(service.requests()).contains("POST /authorities/rotate {\"authority\":\"root\"}");
    }
    try (FakeService _ = service(authorities(), FakeService.json(200, "{\"items\":[]}"))) {
      assertThat(run("ca", "rotate").out())
          .startsWith("no step can be taken now")
          .contains("next: retire device-1");
    }
  }

  @Test
  void retireSaysWhoMayBreak() throws IOException {
    String retired =
        authority("device-1", "retired").replace("}", ",\"breaks\":[\"edgeHub: 1\\nliving\"]}");
    try (FakeService service =
        service(
            authorities("device-1 retiring", "device-2 active"), FakeService.json(200, retired))) {
      CliRun.Ended text = run("ca", "retire", "--now");
      assertThat(text.code()).isZero();
      assertThat(text.out())
          .contains("device-1 is retired")
          .contains("may break: edgeHub: 1?living")
          .contains("it never signs again");
      assertThat(service.requests())
          .last()
          .isEqualTo("POST /authorities/device-1/retire {\"now\":true}");
      assertThat(run("ca", "retire", "-o", "json").json().path("breaks")).hasSize(1);
      assertThat(run("ca", "retire", "--authority", "root").code()).isEqualTo(3);
    }
  }

  @Test
  void ofSeveralThatRetireTheOldestIsMeant() throws IOException {
    try (FakeService service =
        service(
            authorities("device-1 retiring", "device-2 retiring", "device-3 active"),
            done("device-1", "retired"))) {
      assertThat(run("ca", "retire").code()).isZero();
      assertThat(service.requests()).last().asString().contains("/authorities/device-1/retire");
    }
  }

  @Test
  void whatIsPreparedIsGivenUpAsItSays() throws IOException {
    try (FakeService _ = service(authorities(), done("device-2", "prepared"))) {
      assertThat(run("ca", "prepare").out())
          .contains("give it up with: vouchsafe ")
          .containsPattern("ca abort\n");
      assertThat(run("ca", "prepare", "--authority", "root").out())
          .containsPattern("ca abort --authority root\n");
    }
  }

  @Test
  void aStepThatGoesOnIsToldAsSuch() throws IOException {
    try (FakeService _ =
        FakeService.answering(
            home().adminSocket(),
            line ->
                line.startsWith("GET /rotation")
                    ? FakeService.json(200, rotation("prepare", "", "begun"))
                    : FakeService.json(200, authorities("device-2 active")))) {
      assertThat(run("ca", "status").out())
          .contains("prepare a new device CA by uid 0: begun, and not ended yet: look again");
    }
  }

  @Test
  void ofARequestThatWaitsItIsSaidHowItIsAnswered() throws IOException {
    String outside =
        authorities("root-1 active", "device-1 active").replaceFirst("software", "outside");
    try (FakeService _ =
        FakeService.answering(
            home().adminSocket(),
            line ->
                FakeService.json(
                    200,
                    line.startsWith("GET /authorities/requests")
                        ? "{\"items\":[{\"id\":\"device-2\"}]}"
                        : line.startsWith("GET /authorities")
                            ? outside
                            : rotation("prepare", "device-2", "done")))) {
      CliRun.Ended ended = run("ca", "activate");
      assertThat(ended.code()).isEqualTo(3);
      assertThat(ended.err()).contains("ca activate --certificate FILE").hasLineCount(1);
    }
  }

  @Test
  void statusSaysWhereEachAuthorityStands() throws IOException {
    try (FakeService _ =
        service(authorities("device-2 active"), FakeService.json(200, "{\"gaps\":[]}"))) {
      assertThat(run("ca", "status").out()).containsPattern("device-2 +active +software +works");
    }
  }

  @Test
  void publishSaysWhatActivationWaitsFor() throws IOException {
    try (FakeService service =
        service(authorities("root-1 active", "root-2 prepared"), done("root-2", "published"))) {
      assertThat(run("ca", "publish").out())
          .contains("root-2 is published")
          .contains("it is in the trust bundle, and signs nothing")
          .contains("next: publish root-2");
      assertThat(service.requests()).contains("POST /authorities/root-2/publish {}");
      assertThat(run("ca", "publish", "-o", "json").json().path("state").asText())
          .isEqualTo("published");
    }
  }

  @Test
  void abortSaysInWhichStateItSawWhatItGivesUp() throws IOException {
    try (FakeService service =
        service(
            authorities(
                "root-2 published", "device-2 active", "device-3 prepared", "device-4 prepared"),
            "device-3",
            done("device-3", "retired"))) {
      assertThat(run("ca", "abort").out())
          .contains("device-3 is retired")
          .contains("the active one goes on as before");
      assertThat(run("ca", "abort", "-o", "json").json().path("state").asText())
          .isEqualTo("retired");
      for (String[] args :
          List.of(
              new String[] {"ca", "abort", "--authority", "root"},
              new String[] {"ca", "abort", "device-2"},
              new String[] {"ca", "abort", "device-3"},
              new String[] {"ca", "abort", "device-9"})) {
        assertThat(run(args).code()).isZero();
      }
      assertThat(service.requests().stream().filter(line -> line.startsWith("POST")).toList())
          .containsExactly(
              "POST /authorities/device-3/abort {\"from\":\"prepared\"}",
              "POST /authorities/device-3/abort {\"from\":\"prepared\"}",
              "POST /authorities/root-2/abort {\"from\":\"published\"}",
              "POST /authorities/device-2/abort {\"from\":\"active\"}",
              "POST /authorities/device-3/abort {\"from\":\"prepared\"}",
              "POST /authorities/device-9/abort {}");
    }
    try (FakeService _ = service(authorities("device-2 active"), done("device-2", "retiring"))) {
      assertThat(run("ca", "abort", "device-2").out()).contains("the one before it signs again");
    }
  }

  /** Under the next root there is always one that is prepared: it is that root's. */
  @ParameterizedTest
  @ValueSource(strings = {"abort", "activate"})
  void aStepWithoutAnIdIsNotAboutTheDeviceCaOfTheNextRoot(String step) throws IOException {
    String all = authorities("root-2 published", "device-1 active", "device-2 prepared");
    try (FakeService service = service(all, done("device-2", "retired"))) {
      assertThat(run("ca", step).code()).isEqualTo(3);
      assertThat(service.requests()).noneMatch(line -> line.startsWith("POST"));
    }
    try (FakeService service = service(all, "device-3", done("device-3", "active"))) {
      assertThat(run("ca", step).code()).isZero();
      assertThat(service.requests())
          .filteredOn(line -> line.startsWith("POST"))
          .singleElement()
          .asString()
          .startsWith("POST /authorities/device-3/" + step);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "prepare",
        "publish root-2",
        "activate device-2",
        "retire device-1",
        "abort device-2",
        "rotate"
      })
  void aStepThatTheStateDoesNotAllowIsRefusedAndNotFailed(String step) throws IOException {
    String refusal = problem(409, "authority-state", "device-1 has 1 living certificate", "");
    try (FakeService _ = service(authorities(), refusal)) {
      CliRun.Ended ended = run(("ca " + step).split(" ", -1));
      assertThat(ended.code()).isEqualTo(3);
      assertThat(ended.out()).isEmpty();
      assertThat(ended.err())
          .contains("authority-state: device-1 has 1 living certificate")
          .hasLineCount(1);
    }
    try (FakeService _ = service(authorities(), problem(409, "bundle-full", "no room", ""))) {
      assertThat(run(("ca " + step).split(" ", -1)).code()).as("another conflict").isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"publish", "activate", "retire", "abort", "activate --authority root"})
  void whereNothingIsInTheStateThatItNeedsItIsRefused(String step) throws IOException {
    try (FakeService service = service(authorities("device-1 active", "root-1 active"), "")) {
      CliRun.Ended ended = run(("ca " + step).split(" ", -1));
      assertThat(ended.code()).isEqualTo(3);
      assertThat(ended.err()).contains("vouchsafe ca ").hasLineCount(1);
      assertThat(service.requests()).noneMatch(line -> line.startsWith("POST"));
    }
  }

  @Test
  void whatCanBeDoneInAMomentIsWaitedForAndDone() throws IOException {
    Queue<String> answers = new ArrayDeque<>();
    String waits = problem(503, "authority-waits", "device-1 signed until", "Retry-After: 1\r\n");
    answers.add(waits);
    answers.add(done("device-1", "retired"));
    try (FakeService service =
        FakeService.answering(home().adminSocket(), line -> answers.remove())) {
      CliRun.Ended ended = run("ca", "retire", "device-1");
      assertThat(ended.code()).as(ended.err()).isZero();
      assertThat(ended.out()).contains("device-1 is retired");
      assertThat(ended.err())
          .contains("vouchsafe: waits: authority-waits: device-1 signed until")
          .contains("vouchsafe: 1 s left");
      assertThat(service.requests()).hasSize(2);
    }
    answers.add(problem(503, "authority-waits", "later", "Retry-After: 3600\r\n"));
    try (FakeService _ = FakeService.answering(home().adminSocket(), line -> answers.remove())) {
      CliRun.Ended ended = run("ca", "retire", "device-1");
      assertThat(ended.code()).as("not for an hour").isEqualTo(4);
      assertThat(ended.err()).contains("authority-waits: later");
    }
  }
}
