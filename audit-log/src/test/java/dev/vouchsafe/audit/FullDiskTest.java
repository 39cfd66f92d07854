package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file system that really is full, which takes root to mount: elsewhere the test is skipped. */
@Tag("fault")
class FullDiskTest {
  private static final long LIMIT = TimeUnit.SECONDS.toNanos(30);

  @TempDir Path folder;
  private Path disk;
  private TestLog log;

  @BeforeEach
  void mount() throws Exception {
    disk = Files.createDirectory(folder.resolve("disk"));
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk.toString()) == 0,
        "mounting takes root");
    log = new TestLog(disk);
  }

  @AfterEach
  void unmount() throws Exception {
    int _ = run("umount", disk.toString());
  }

  private static int run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    process.getInputStream().readAllBytes();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  private Path fill() throws IOException {
    Path ballast = disk.resolve("ballast");
    Files.write(ballast, new byte[(int) Files.getFileStore(disk).getUsableSpace()]);
    return ballast;
  }

  @Test
  void aFullDiskTakesNothingThatMustBeRecordedAndSpaceLetsItGoOn() throws Exception {
    try (AuditLog running =
        RunningLog.start(log.open(), log.key, log.clock, () -> true, log.clock.nanoTime())) {
      running.require(TestLog.decision("before", AuditEvent.Outcome.ISSUED));
      Path ballast = fill();
      int recorded = 0;
      int refused = 0;
      for (int i = 0; i < 100; i++) {
        try {
          running.require(TestLog.decision("while-full", AuditEvent.Outcome.ISSUED));
          recorded++;
        } catch (AuditUnavailableException e) {
          refused++;
        }
      }
      assertThat(refused).isPositive();
      assertThat(running.status().fault()).isPresent();
      assertThat(log.verify().entries()).as("whole lines only").isPositive();
      assertThatThrownBy(() -> running.require(TestLog.decision("x", AuditEvent.Outcome.ISSUED)))
          .isInstanceOf(AuditUnavailableException.class);

      Files.delete(ballast);
      long began = System.nanoTime();
      while (running.status().fault().isPresent()) {
        assertThat(System.nanoTime() - began).isLessThan(LIMIT);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
      }
      running.require(TestLog.decision("after", AuditEvent.Outcome.ISSUED));
      String _ = running.checkpoint();
      assertThat(count("while-full")).isEqualTo(recorded);
    }
    assertThat(log.verify().findings()).isEmpty();
    assertThat(count("before")).isEqualTo(1);
    assertThat(count("after")).isEqualTo(1);
    long lost = 0;
    for (AuditEntry entry : log.entries()) {
      lost += entry.event() instanceof AuditEvent.Lost event ? event.count() : 0;
    }
    assertThat(lost).as("how many were given up is on record").isPositive();
  }

  @Test
  void aLogThatIsOpenedOnAFullDiskSaysSoAndLeavesItAsItWas() throws Exception {
    log.write(4);
    Path ballast = fill();
    // A page may have room for a line or two.
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 50; i++) {
                log.open().close();
              }
            })
        .isInstanceOf(IOException.class);
    Files.delete(ballast);
    assertThat(log.verify().sound()).isTrue();
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
    }
    assertThat(log.verify().findings()).isEmpty();
  }

  @Test
  void aServiceThatStartsOnAFullDiskRecordsNothingAndGoesOnWhenThereIsSpace() throws Exception {
    log.write(4);
    Path ballast = fill();
    // What is left of a page may take a line.
    log.settings = new AuditSettings(log.folder, 1, 1 << 30, java.time.Duration.ofDays(400));
    try (LogWriter writer = log.open()) {
      String _ = writer.checkpoint();
      writer.roll();
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("space");
    }
    try (AuditLog running =
        RunningLog.start(log.opened(), log.key, log.clock, () -> true, log.clock.nanoTime())) {
      AuditEvent event = TestLog.decision("on-full-disk", AuditEvent.Outcome.ISSUED);
      while (running.status().fault().isEmpty()) {
        running.note(event);
        LockSupport.parkNanos(1_000_000);
      }
      assertThatThrownBy(() -> running.require(event))
          .isInstanceOf(AuditUnavailableException.class);
      assertThatThrownBy(() -> running.promise(event))
          .isInstanceOf(AuditUnavailableException.class);
      Files.delete(ballast);
      long began = System.nanoTime();
      while (running.status().fault().isPresent()) {
        assertThat(System.nanoTime() - began).isLessThan(LIMIT);
        LockSupport.parkNanos(1_000_000);
      }
      running.require(TestLog.decision("after", AuditEvent.Outcome.ISSUED));
    }
    assertThat(log.verify().findings()).isEmpty();
    assertThat(count("after")).isOne();
  }

  private int count(String module) throws IOException {
    int[] found = new int[1];
    new AuditReader(log.folder)
        .read(entry -> {
          if (entry.json().contains("\"" + module + "\"")) {
            found[0]++;
          }
        });
    return found[0];
  }

  /** A log that waited for room for the copy would wait for ever, and issue nothing. */
  @Test
  void whatCantBeKeptForLackOfSpaceIsCutOffAndSaid() throws Exception {
    log.write(4);
    Files.write(log.only(), new byte[20_000], java.nio.file.StandardOpenOption.APPEND);
    Files.writeString(log.only(), "I was here", java.nio.file.StandardOpenOption.APPEND);
    Path ballast = fill();
    log.open().close();
    assertThat(log.entries().getLast().event())
        .isInstanceOfSatisfying(
            AuditEvent.Started.class,
            said -> {
              assertThat(said.tornOctets()).isEqualTo(20_010);
              assertThat(said.note()).contains("20010 octets", "without a copy");
            });
    try (var files = Files.list(log.folder)) {
      assertThat(files).noneMatch(file -> file.toString().contains("torn"));
    }
    Files.delete(ballast);
    assertThat(log.verify().sound()).isTrue();
  }
}
