package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The power goes at any instant; the log goes on where its last whole line ended. */
class RecoveryTest {
  @TempDir Path home;

  private static List<Path> aside(TestLog log) throws Exception {
    try (var files = Files.list(log.folder)) {
      return files.filter(file -> file.toString().endsWith(".torn")).toList();
    }
  }

  /** A log whose process ended without closing it: two checkpoints, then two entries. */
  private TestLog crashed() throws Exception {
    TestLog log = new TestLog(home);
    log.write(3);
    try (LogWriter writer = log.open()) {
      log.append(
          writer,
          TestLog.decision("last", AuditEvent.Outcome.ISSUED),
          TestLog.decision("last", AuditEvent.Outcome.REFUSED));
    }
    return log;
  }

  @Test
  void aCutAtEveryOctetOfTheLastLinesLosesTheLineThatWasNotWholeAndNothingElse() throws Exception {
    TestLog log = crashed();
    byte[] file = Files.readAllBytes(log.only());
    List<byte[]> lines = TestLog.lines(file);
    int three = file.length;
    for (byte[] line : lines.subList(lines.size() - 3, lines.size())) {
      three -= line.length;
    }
    for (int cut = three; cut <= file.length; cut++) {
      log.replace(Arrays.copyOf(file, cut));
      assertThat(log.verify().sound()).as("before, cut at " + cut).isTrue();
      int whole = TestLog.lines(Arrays.copyOf(file, cut)).size();
      try (LogWriter writer = log.open()) {
        log.append(writer, TestLog.decision("after", AuditEvent.Outcome.ISSUED));
        String _ = writer.checkpoint();
      }
      AuditReport report = log.verify();
      assertThat(report.findings()).as("cut at " + cut).isEmpty();
      assertThat(report.entries()).as("cut at " + cut).isEqualTo(whole + 3);
      AuditEvent.Started started = (AuditEvent.Started) log.entries().get(whole).event();
      int octets = cut - TestLog.joined(lines.subList(0, whole)).length;
      assertThat(started.tornOctets()).as("cut at " + cut).isEqualTo(octets);
      assertThat(started.note()).isEmpty();
    }
    assertThat(aside(log)).as("a crash leaves nothing that somebody else wrote").isEmpty();
  }

  @Test
  void pagesThatNeverReachedTheDiskAreZerosAndAreDropped() throws Exception {
    TestLog log = crashed();
    byte[] file = Files.readAllBytes(log.only());
    for (int zeros : new int[] {1, 100, 4096, 100_000}) {
      byte[] longer = Arrays.copyOf(file, file.length + zeros);
      log.replace(longer);
      log.open().close();
      assertThat(log.verify().findings()).as(zeros + " zeros").isEmpty();
      assertThat(aside(log)).isEmpty();
    }
  }

  @Test
  void whatNoCrashLeavesIsKeptAsideForWhoeverLooks() throws Exception {
    TestLog log = crashed();
    byte[] file = Files.readAllBytes(log.only());
    byte[] strange = "I was here".getBytes(StandardCharsets.US_ASCII);
    byte[] longer = Arrays.copyOf(file, file.length + strange.length);
    System.arraycopy(strange, 0, longer, file.length, strange.length);
    log.replace(longer);
    assertThat(log.verify().sound()).isFalse();
    log.open().close();
    assertThat(log.verify().good()).isTrue();
    assertThat(aside(log)).hasSize(1);
    assertThat(aside(log).getFirst()).hasBinaryContent(strange);
  }

  /** Only the file that is being written can be torn; whoever begins another one has ended it. */
  @Test
  void theBeginningOfALineInAnEarlierFileIsNoMarkOfACrash() throws Exception {
    TestLog log = new TestLog(home);
    log.settings = new AuditSettings(log.folder, 1, 1 << 30, Duration.ofDays(400));
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
      writer.roll();
      log.append(writer, TestLog.decision("m", AuditEvent.Outcome.ISSUED));
      String _ = writer.checkpoint();
    }
    assertThat(log.segments()).hasSize(2);
    Files.writeString(log.only(), "{\"seq\":2,\"ti", StandardOpenOption.APPEND);
    assertThat(log.verify().findings())
        .extracting(AuditReport.Finding::kind)
        .containsExactly(AuditReport.Kind.NOT_A_LINE);
    assertThat(log.verify().findings().getFirst().line()).isEqualTo(3);
    Files.writeString(log.segments().getLast(), "{\"seq\":4,\"ti", StandardOpenOption.APPEND);
    assertThat(log.verify().findings().getLast().kind()).isEqualTo(AuditReport.Kind.TORN_END);
  }

  @Test
  void howManyEntriesNobodySignedIsSaidWhenTheServiceStartsAgain() throws Exception {
    TestLog log = crashed();
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
    }
    AuditReport report = log.verify();
    assertThat(report.good()).isTrue();
    assertThat(report.unsignedAtStart()).as("a start, two entries").isEqualTo(3);
  }

  /** Going on behind it would sign what was changed; cutting it off would destroy the evidence. */
  @Test
  void aLogThatWasChangedGoesOnInANewFileAndItsLinesStay() throws Exception {
    TestLog log = crashed();
    String changed =
        Files.readString(log.only()).replaceFirst("\"module\":\"m1\"", "\"module\":\"mX\"");
    log.replace(changed.getBytes(StandardCharsets.US_ASCII));
    try (LogWriter writer = log.open()) {
      log.append(writer, TestLog.decision("after", AuditEvent.Outcome.ISSUED));
      String _ = writer.checkpoint();
    }
    assertThat(log.segments()).hasSize(2);
    assertThat(Files.readString(log.only())).isEqualTo(changed);
    assertThat(log.verify().sound()).isFalse();
    AuditEntry first =
        log.entries().stream()
            .filter(entry ->
                entry.event() instanceof AuditEvent.Started start && !start.note().isEmpty())
            .findFirst()
            .orElseThrow();
    assertThat(((AuditEvent.Started) first.event()).note()).contains("audit verify");
  }

  @Test
  void aFileThatWasBegunAndNeverWrittenIsGoneOnWith() throws Exception {
    TestLog log = crashed();
    long next = log.entries().size();
    Files.createFile(new LogFolder(log.folder).segment(next));
    log.open().close();
    assertThat(log.segments()).hasSize(2);
    assertThat(log.verify().good()).isTrue();
    assertThat(log.verify().last()).isEqualTo(next);
  }

  @Test
  void anEmptyFolderIsANewLog() throws Exception {
    TestLog log = new TestLog(home);
    log.open().close();
    assertThat(log.entries()).hasSize(1);
    assertThat(log.verify(Optional.empty()).findings())
        .extracting(AuditReport.Finding::kind)
        .containsExactly(AuditReport.Kind.UNSIGNED);
  }
}
