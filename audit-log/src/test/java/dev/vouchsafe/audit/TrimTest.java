package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.audit.AuditReport.Compared;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log removes its oldest files, and what is left still shows whether it was changed. */
class TrimTest {
  @TempDir Path home;

  private TestLog log(long most, Duration longest) {
    TestLog log = new TestLog(home);
    log.settings = new AuditSettings(log.folder, 1, most, longest);
    return log;
  }

  /** Files of two entries and a checkpoint each, an hour apart. */
  private static void fill(TestLog log, LogWriter writer, int files) throws Exception {
    for (int i = 0; i < files; i++) {
      log.append(writer, TestLog.decision("m" + i, AuditEvent.Outcome.ISSUED));
      log.append(writer, TestLog.decision("m" + i, AuditEvent.Outcome.REFUSED));
      String _ = writer.checkpoint();
      writer.roll();
      log.clock.pass(Duration.ofHours(1));
    }
  }

  private static long size(TestLog log) throws Exception {
    long size = 0;
    for (Path segment : log.segments()) {
      size += Files.size(segment);
    }
    return size;
  }

  private static AuditEvent.Trimmed trimmed(TestLog log) throws Exception {
    return log.entries().stream()
        .map(AuditEntry::event)
        .filter(AuditEvent.Trimmed.class::isInstance)
        .map(AuditEvent.Trimmed.class::cast)
        .reduce((a, b) -> b)
        .orElseThrow();
  }

  @Test
  void theOldestFilesGoWhenAllAreTooLargeAndTheChainHoldsOn() throws Exception {
    TestLog log = log(8000, Duration.ofDays(400));
    try (LogWriter writer = log.open()) {
      for (int round = 0; round < 10; round++) {
        fill(log, writer, 3);
        writer.trim(true);
        writer.roll();
        assertThat(size(log)).as("round " + round).isLessThan(8000 + 2000);
        AuditReport report = log.verify();
        assertThat(report.findings()).as("round " + round).isEmpty();
      }
    }
    AuditReport report = log.verify();
    assertThat(report.trimmed()).isTrue();
    assertThat(report.first()).isPositive();
    assertThat(trimmed(log).reason()).isEqualTo("size");
    assertThat(trimmed(log).through()).isEqualTo(report.first() - 1);
    log.open().close();
    assertThat(log.verify().good()).as("and after a start").isTrue();
  }

  @Test
  void filesThatAreTooOldGoWhereTheClockIsBelieved() throws Exception {
    TestLog log = log(1 << 30, Duration.ofHours(5));
    try (LogWriter writer = log.open()) {
      fill(log, writer, 8);
      writer.trim(false);
      writer.roll();
      assertThat(log.verify().first()).as("not by a clock that may be wrong").isZero();
      writer.trim(true);
    }
    assertThat(trimmed(log).reason()).isEqualTo("age");
    AuditReport report = log.verify();
    assertThat(report.findings()).isEmpty();
    assertThat(report.first()).isPositive();
    assertThat(log.entries())
        .as("what is younger is there")
        .filteredOn(entry ->
            entry.time().isAfter(log.clock.instant().minus(Duration.ofMinutes(4 * 60 + 1)))
                && entry.event() instanceof AuditEvent.Decision)
        .hasSize(8);
  }

  @Test
  void aCrashBetweenTheWordAndTheDeedIsMadeGoodAtTheNextStart() throws Exception {
    TestLog log = log(3000, Duration.ofDays(400));
    Map<Path, byte[]> before = new LinkedHashMap<>();
    try (LogWriter writer = log.open()) {
      fill(log, writer, 6);
      for (Path segment : log.segments()) {
        before.put(segment, Files.readAllBytes(segment));
      }
      writer.trim(true);
    }
    List<Path> left = log.segments();
    for (Map.Entry<Path, byte[]> each : before.entrySet()) {
      Files.write(each.getKey(), each.getValue());
    }
    assertThat(log.verify().findings()).as("not yet removed").isEmpty();
    log.open().close();
    assertThat(log.segments()).isEqualTo(left);
    assertThat(log.verify().findings()).isEmpty();
  }

  @Test
  void moreThanTheLogRemovedItselfIsFound() throws Exception {
    TestLog log = log(8000, Duration.ofDays(400));
    try (LogWriter writer = log.open()) {
      fill(log, writer, 20);
      writer.trim(true);
    }
    assertThat(log.verify().good()).isTrue();
    Files.delete(log.only());
    assertThat(log.verify().findings())
        .extracting(AuditReport.Finding::kind)
        .containsExactly(AuditReport.Kind.BEGINNING_MISSING);
  }

  @Test
  void aCheckpointFromBeforeTheTrimSaysThatItIsTooOldAndANewOneHolds() throws Exception {
    TestLog log = log(8000, Duration.ofDays(400));
    String old;
    String recent;
    try (LogWriter writer = log.open()) {
      old = writer.checkpoint();
      fill(log, writer, 20);
      writer.trim(true);
      recent = writer.checkpoint();
    }
    assertThat(log.verify(Optional.of(old)).compared()).isEqualTo(Compared.TRIMMED);
    assertThat(log.verify(Optional.of(old)).good()).isTrue();
    assertThat(log.verify(Optional.of(recent)).compared()).isEqualTo(Compared.HOLDS);
  }

  /** The word that files are removed must be signed: without a key nothing is removed. */
  @Test
  void nothingIsRemovedAsLongAsTheKeyIsAway() throws Exception {
    TestLog log = log(3000, Duration.ofDays(400));
    try (LogWriter writer = log.open()) {
      fill(log, writer, 6);
      int files = log.segments().size();
      log.key.setAway(true);
      for (int i = 0; i < 3; i++) {
        try {
          writer.trim(true);
          throw new AssertionError("trimmed without a signature");
        } catch (AuditUnavailableException e) {
          assertThat(log.segments()).hasSizeGreaterThanOrEqualTo(files);
        }
      }
      log.key.setAway(false);
      writer.trim(true);
      assertThat(log.segments()).hasSizeLessThan(files);
    }
    assertThat(log.verify().findings()).isEmpty();
  }

  /** Whoever damages a line must not have the log fill the disk. */
  @Test
  void linesThatAreNoneKeepNothingFromBeingRemoved() throws Exception {
    TestLog log = log(8000, Duration.ofDays(400));
    try (LogWriter writer = log.open()) {
      fill(log, writer, 12);
      for (Path segment : log.segments().subList(1, 12)) {
        byte[] damaged = Files.readAllBytes(segment);
        damaged[3] ^= 1;
        Files.write(segment, damaged);
      }
      Path forged = log.segments().get(9);
      Files.write(
          forged,
          LineFormat.line(
              1L << 60, log.clock.instant(), ChainEnd.START.hash(), new AuditEvent.Stopped()));
      writer.trim(true);
      assertThat(size(log)).isLessThan(8000 + 2000);
    }
    log.open().close();
    assertThat(log.segments())
        .as("nothing goes that the log didn't say, whatever number somebody wrote")
        .hasSizeGreaterThan(2);
    assertThat(log.verify().findings())
        .as("what was damaged is found, and nothing is said to be missing")
        .isNotEmpty()
        .noneMatch(it -> it.kind() == AuditReport.Kind.BEGINNING_MISSING);
  }

  /** The key store was away at the start: what the log removed is known by a checkpoint only. */
  @Test
  void aKeyThatIsKnownLaterFindsWhereTheLogBegins() throws Exception {
    TestLog log = log(8000, Duration.ofDays(400));
    try (LogWriter writer = log.open()) {
      fill(log, writer, 20);
      writer.trim(true);
    }
    long first = log.verify().first();
    assertThat(first).isPositive();
    log.key.setAway(true);
    try (LogWriter writer = log.open()) {
      log.append(writer, TestLog.decision("m", AuditEvent.Outcome.ISSUED));
      log.key.setAway(false);
      String _ = writer.checkpoint();
    }
    assertThat(log.verify().findings()).isEmpty();
    assertThat(log.verify().first()).isEqualTo(first);
  }

  private static Path copy(TestLog log, long segment, int octets) throws Exception {
    Path copy = new LogFolder(log.folder).aside(new LogFolder(log.folder).segment(segment), 7);
    return Files.write(copy, new byte[octets]);
  }

  @Test
  void copiesOfTornEndsCountAndGoBeforeAnyEntryTheOldestFirst() throws Exception {
    TestLog log = log(12_000, Duration.ofDays(400));
    try (LogWriter writer = log.open()) {
      fill(log, writer, 2);
      List<Path> segments = log.segments();
      Path old = copy(log, 0, 9000);
      Path young = copy(log, LogFolder.firstOf(segments.getLast()), 5000);
      writer.trim(true);
      assertThat(old).doesNotExist();
      assertThat(young).exists();
      assertThat(log.segments()).containsAll(segments);
    }
    assertThat(trimmed(log)).isEqualTo(new AuditEvent.Trimmed(-1, 1, 9000, "size"));
    AuditReport report = log.verify();
    assertThat(report.findings()).isEmpty();
    assertThat(report.trimmed()).as("no entry went").isFalse();
  }

  @Test
  void aCopyGoesWithTheFileThatItIsOf() throws Exception {
    TestLog log = log(1 << 30, Duration.ofHours(5));
    try (LogWriter writer = log.open()) {
      fill(log, writer, 8);
      Path copy = copy(log, 0, 10);
      writer.trim(true);
      assertThat(copy).doesNotExist();
    }
    assertThat(trimmed(log).reason()).isEqualTo("age");
    assertThat(log.verify().findings()).isEmpty();
  }
}
