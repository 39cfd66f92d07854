package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.audit.AuditEvent.Outcome;
import dev.vouchsafe.audit.AuditLog;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code audit show}. */
class AuditShowTest {
  private static final AuditEvent.Decision TOKEN =
      new AuditEvent.Decision(
          Outcome.ISSUED,
          "ok",
          "",
          new AuditEvent.Asked("other", "1", "token", "unix"),
          new AuditEvent.Who(14, 1001, 1001, Optional.empty(), Optional.empty()),
          List.of(),
          List.of(),
          List.of("Xy-Z1"));

  @TempDir Path folder;
  private AuditHome home;

  @BeforeEach
  void write() throws Exception {
    home = new AuditHome(folder);
    home.write(
        InstantSource.fixed(CliRun.NOW.minus(Duration.ofHours(2))),
        AuditHome.issued("web", 11, "00aa"),
        AuditHome.ended(Outcome.REFUSED, "web", 12, "unix:uid:1000: uid 8"));
    home.write(
        AuditHome.ended(Outcome.UNAVAILABLE, "db", 13, ""),
        TOKEN,
        new AuditEvent.Act(0, "reveal-key", "web", "done"),
        new AuditEvent.Count("web", "sign", CliRun.NOW.minusSeconds(60), 45_000),
        new AuditEvent.Registrations(2, List.of("a", "b"), List.of(), List.of(), List.of("c.toml")),
        new AuditEvent.Refusals(
            CliRun.NOW, List.of(new AuditEvent.Alike(8, "refused", "selector-mismatch", 77)), 5));
  }

  private List<String> lines(String... more) {
    List<String> args = new ArrayList<>(List.of("audit", "show"));
    args.addAll(List.of(more));
    CliRun.Ended ended = home.run(args.toArray(String[]::new));
    assertThat(ended.err()).isEmpty();
    assertThat(ended.code()).isZero();
    return ended.out().lines().toList();
  }

  @Test
  void eachEntryIsALineThatSaysWhoAskedAndWhatCameOfIt() {
    assertThat(lines())
        .containsExactly(
            "2026-12-01T10:00:00Z  start        version 1.0",
            "2026-12-01T10:00:00Z  issued       web  certificate  pid 11 uid 1000  /usr/bin/web"
                + "  serial 00aa",
            "2026-12-01T10:00:00Z  refused      web  token  pid 12 uid 8  /usr/bin/x"
                + "  selector-mismatch: unix:uid:1000: uid 8",
            "2026-12-01T10:00:00Z  stop",
            "2026-12-01T12:00:00Z  start        version 1.0",
            "2026-12-01T12:00:00Z  unavailable  db  token  pid 13 uid 8  /usr/bin/x"
                + "  attestation-unavailable",
            "2026-12-01T12:00:00Z  issued       other  token  pid 14 uid 1001  token Xy-Z1",
            "2026-12-01T12:00:00Z  act          reveal-key web  by uid 0  done",
            "2026-12-01T12:00:00Z  count        web  sign  45000 times since 2026-12-01T11:59:00Z",
            "2026-12-01T12:00:00Z  modules      registrations: 2  added a b  problems c.toml",
            "2026-12-01T12:00:00Z  more         not written one by one:  77 times refused uid 8"
                + " selector-mismatch  5 others since 2026-12-01T12:00:00Z",
            "2026-12-01T12:00:00Z  stop");
  }

  @Test
  void verboseShowsEachSelectorWantedMeasuredAndMatch() {
    assertThat(lines("--verbose", "--pid", "12"))
        .contains(
            "    gid 9",
            "    wanted unix:uid:1000, measured uid 8, match no",
            "    wanted container:name:w, measured nothing, match unavailable");
    assertThat(lines("--verbose", "--pid", "11"))
        .contains("    gid 1000, groups 4 24, cgroup /w.slice", "    expires 2026-12-01T13:00:00Z");
    assertThat(lines("--verbose")).anyMatch(line -> line.contains("checkpoint   ey"));
  }

  @Test
  void jsonHasTheEntriesAsTheyStandInTheLog() throws Exception {
    JsonNode items = home.run("audit", "show", "-o", "json").json().path("items");
    assertThat(items).hasSize(14);
    List<String> stored = home.lines();
    for (int i = 0; i < items.size(); i++) {
      assertThat(items.get(i).toString()).isEqualTo(stored.get(i));
    }
  }

  @Test
  void whatIsAskedForIsShownAndNothingElse() {
    assertThat(lines("--module", "web")).hasSize(3);
    assertThat(lines("--module", "web", "--verdict", "issued")).hasSize(1);
    assertThat(lines("--verdict", "refused")).hasSize(1).allMatch(it -> it.contains("pid 12"));
    assertThat(lines("--verdict", "unavailable")).hasSize(1).allMatch(it -> it.contains("pid 13"));
    assertThat(lines("--pid", "14")).hasSize(1);
    assertThat(lines("--serial", "00:AA")).hasSize(1).allMatch(it -> it.contains("00aa"));
    assertThat(lines("--serial", "Xy-Z1")).hasSize(1).allMatch(it -> it.contains("Xy-Z1"));
    assertThat(lines("--serial", "00ab")).isEmpty();
    assertThat(lines("--since", "1h")).hasSize(8);
    assertThat(lines("--until", "1h")).hasSize(4);
    assertThat(lines("--since", "2026-12-01T11:00:00+00:00", "--until", "2026-12-01T12:00:00Z"))
        .isEmpty();
    assertThat(lines("--limit", "2")).hasSize(2).last().asString().endsWith("stop");
    assertThat(lines("--limit", "1", "--module", "web")).allMatch(it -> it.contains("45000"));
  }

  @Test
  void whatMakesNoSenseIsWrongUsage() {
    for (String[] args :
        List.of(
            new String[] {"--since", "yesterday"},
            new String[] {"--limit", "0"},
            new String[] {"--verdict", "maybe"},
            new String[] {"--verdict", "ISSUED"},
            new String[] {"--verdict", ""},
            new String[] {"--pid", "x"})) {
      assertThat(home.run("audit", "show", args[0], args[1]).code()).as(args[1]).isEqualTo(2);
    }
  }

  @Test
  void theVerdictsOfOptionHelpMessageAndLogAreTheSameWords() throws Exception {
    home.write(AuditHome.ended(Outcome.INVALID, "", 15, "db, web"));
    List<String> words = Arrays.stream(Outcome.values()).map(Outcome::text).toList();
    String help = home.run("audit", "show", "--help").out().replaceAll("\\s+", " ");
    assertThat(help).contains("one of " + String.join(", ", words) + ".");
    assertThat(home.run("audit", "show", "--verdict", "attested").err())
        .contains("'attested' is no verdict; there are " + String.join(", ", words));
    assertThat(lines().stream().map(line -> line.split(" +", 3)[1]).toList()).containsAll(words);
    for (String word : words) {
      assertThat(lines("--verdict", word)).isNotEmpty().allMatch(it -> it.contains(word));
    }
  }

  /** Root without its rights over others' files stands for any other user. */
  @Test
  void whoMayNotReadTheLogIsRefusedAndToldWhatItTakes() throws Exception {
    assumeTrue(FileTrust.ownUser() == 0, "only root can give a folder away");
    Files.setAttribute(home.folder, "unix:uid", 65534);
    for (String command : List.of("show", "verify")) {
      CliRun.Ended ended = withoutRights("audit", command);
      assertThat(ended.err()).startsWith("vouchsafe: the audit log can't be ").hasLineCount(1);
      assertThat(ended.err()).contains(home.folder.toString(), "right to read", "service's own");
      assertThat(ended.code()).isEqualTo(3);
      assertThat(ended.out()).isEmpty();
    }
  }

  private CliRun.Ended withoutRights(String... args) throws Exception {
    try (ServiceProcess process =
        ServiceProcess.start(
            home.home, List.of("setpriv", "--bounding-set=-dac_override,-dac_read_search"), args)) {
      String line = process.line();
      return new CliRun.Ended(process.ended(), line == null ? "" : line, process.log());
    }
  }

  @Test
  void aStrangersTextsDontReachTheTerminalAsTheyAre() throws Exception {
    home.write(
        AuditHome.ended(Outcome.REFUSED, "a\nb\u001b[31m\u202e\u2028\u0085c", 99, "x\ty\u200b"));
    String line = lines("--pid", "99").getFirst();
    assertThat(line).contains("a?b?[31m???c", "x?y?");
    assertThat(lines("--pid", "99", "--verbose")).noneMatch(each -> each.contains("\u001b"));
  }

  @Test
  void followShowsWhatIsWrittenFromThenOn() throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Console console =
        new Console(
            InputStream.nullInputStream(),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(OutputStream.nullOutputStream(), true, StandardCharsets.UTF_8),
            Map.of(Home.VARIABLE, folder.toString()),
            InstantSource.fixed(CliRun.NOW));
    Thread follower =
        Thread.ofPlatform()
            .start(() -> {
              int _ =
                  Main.run(
                      new String[] {"audit", "show", "--follow", "--limit", "1", "-o", "json"},
                      console);
            });
    try (AuditLog log = home.open()) {
      Await.until(() -> out.toString(StandardCharsets.UTF_8).contains("\"type\":\"start\""));
      log.require(AuditHome.issued("late", 77, "00dd"));
      Await.until(() -> out.toString(StandardCharsets.UTF_8).contains("00dd"));
    } finally {
      follower.interrupt();
      follower.join();
    }
    for (String line : out.toString(StandardCharsets.UTF_8).lines().toList()) {
      assertThat(Json.read(line).path("seq").isNumber()).isTrue();
    }
  }
}
