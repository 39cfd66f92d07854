package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.audit.AuditReport.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The disk or the key store is away when the service starts, and comes back. */
class LateStartTest {
  /** More than {@link Verification} takes for a group on its way. */
  private static final int MANY = 5000;

  private static final long LIMIT = TimeUnit.SECONDS.toNanos(60);

  @TempDir Path home;
  private TestLog log;

  @BeforeEach
  void make() {
    log = new TestLog(home);
  }

  private static void await(BooleanSupplier condition) {
    long began = System.nanoTime();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - began).as("the condition did not come").isLessThan(LIMIT);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  private void append(LogWriter writer, int entries) throws IOException {
    List<LogWriter.Stamped> events = new ArrayList<>();
    for (int i = 0; i < entries; i++) {
      events.add(
          new LogWriter.Stamped(
              log.clock.instant(), TestLog.decision("m" + i, AuditEvent.Outcome.ISSUED)));
    }
    writer.append(events);
  }

  @Test
  void entriesThatWaitForTheKeyAreNoChangeAndOnceSignedAllIsWell() throws Exception {
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
      append(writer, MANY);
      AuditReport report = log.verify();
      assertThat(report.findings())
          .extracting(AuditReport.Finding::kind)
          .containsExactly(Kind.NOT_YET_SIGNED);
      assertThat(report.findings().getFirst().detail()).contains(String.valueOf(MANY));
      assertThat(report.sound()).isTrue();
      assertThat(report.good()).as("but it is said").isFalse();
      assertThat(report.unsigned()).isEqualTo(MANY);
    }
    // And over a start, which signs what it found.
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
    }
    AuditReport report = log.verify();
    assertThat(report.findings()).isEmpty();
    assertThat(report.unsigned()).isZero();
    assertThat(report.unsignedAtStart()).as("how many it found is on record").isEqualTo(MANY);
  }

  /** What waits for its signature is bound by the chain all the same. */
  @Test
  void entriesThatWaitForTheKeyCantBeEdited() throws Exception {
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
      append(writer, MANY);
      append(writer, 1);
    }
    byte[] file = Files.readAllBytes(log.only());
    file[file.length / 2] ^= 1;
    log.replace(file);
    assertThat(log.verify().sound()).isFalse();
    assertThat(log.verify().changed()).isTrue();
  }

  @Test
  void whatWaitsIsWrittenAndSignedWhenTheServiceStops() throws Exception {
    log.key.setAway(true);
    try (AuditLog running =
        RunningLog.start(log.opened(), log.key, log.clock, () -> true, log.clock.nanoTime())) {
      for (int i = 0; i < MANY; i++) {
        running.promise(TestLog.decision("m" + i, AuditEvent.Outcome.ISSUED));
      }
      log.key.setAway(false);
    }
    AuditReport report = log.verify();
    assertThat(report.findings()).isEmpty();
    assertThat(report.unsigned()).isZero();
    assertThat(report.entries()).as("with start, stop and checkpoints").isGreaterThan(MANY + 2);
  }

  @Test
  void aKeyThatComesBackSignsAllSinceTheStartWithoutBeingAskedTo() throws Exception {
    log.key.setAway(true);
    try (AuditLog running =
        RunningLog.start(log.opened(), log.key, log.clock, () -> true, log.clock.nanoTime())) {
      running.require(TestLog.decision("unsigned", AuditEvent.Outcome.ISSUED));
      log.clock.pass(java.time.Duration.ofMinutes(2));
      await(() -> running.status().signingFault().isPresent());
      log.key.setAway(false);
      await(() -> {
        log.clock.pass(java.time.Duration.ofSeconds(6));
        return running.status().checkpoint().isPresent();
      });
      AuditReport report = log.verify();
      assertThat(report.findings()).isEmpty();
      assertThat(report.signedThrough()).isGreaterThanOrEqualTo(1);
    }
  }

  /** The folder's names are what fails: as on a disk that is full, or broken. */
  @Test
  void aLogThatCantBeBegunTakesNothingUntilItCan() throws Exception {
    AtomicBoolean broken = new AtomicBoolean(true);
    List<Path> synced = new ArrayList<>();
    LogFolder folder =
        new LogFolder(
            log.folder,
            path -> {
              if (broken.get() && path.equals(log.folder)) {
                throw new IOException("broken by the test");
              }
              synced.add(path);
            });
    LogWriter writer = LogWriter.open(folder, log.settings, log.key, log.clock, "1.0");
    try (AuditLog running =
        RunningLog.start(writer, log.key, log.clock, () -> true, log.clock.nanoTime())) {
      assertThat(running.status().fault()).hasValue("broken by the test");
      AuditEvent event = TestLog.decision("early", AuditEvent.Outcome.ISSUED);
      assertThatThrownBy(() -> running.require(event))
          .isInstanceOf(AuditUnavailableException.class);
      assertThatThrownBy(() -> running.promise(event))
          .isInstanceOf(AuditUnavailableException.class);
      running.note(TestLog.decision("noted", AuditEvent.Outcome.REFUSED));
      broken.set(false);
      await(() -> running.status().fault().isEmpty());
      running.require(TestLog.decision("late", AuditEvent.Outcome.ISSUED));
      assertThat(synced)
          .as("the file was made by an attempt that failed: its name must be synced all the same")
          .contains(log.folder);
    }
    List<AuditEntry> entries = log.entries();
    assertThat(entries.getFirst().event()).isInstanceOf(AuditEvent.Started.class);
    assertThat(entries)
        .extracting(entry ->
            entry.event() instanceof AuditEvent.Decision decision ? decision.asked().module() : "")
        .contains("noted", "late")
        .doesNotContain("early");
    assertThat(log.verify().findings()).isEmpty();
  }

  /** Whoever can write the folder can chain as many: that is no sound log until they are signed. */
  @Test
  void entriesFarBeyondWhatWaitsAreNotSoundUntilALaterCheckpointCoversThem() throws Exception {
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
      append(writer, (int) Verification.MOST_UNSIGNED);
      assertThat(log.verify().sound()).as("at the limit").isTrue();
      append(writer, 1);
      AuditReport report = log.verify();
      assertThat(report.sound()).isFalse();
      assertThat(report.changed()).as("nor does it show a change").isFalse();
      assertThat(report.findings())
          .extracting(AuditReport.Finding::kind)
          .containsExactly(Kind.FAR_TOO_MANY_UNSIGNED);
      String _ = writer.checkpoint();
      assertThat(log.verify().findings()).isEmpty();
    }
  }
}
