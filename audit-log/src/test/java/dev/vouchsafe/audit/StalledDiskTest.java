package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that hangs, or fails as nobody foresaw, while the log does something else than append. */
class StalledDiskTest {
  private static final long LIMIT = TimeUnit.SECONDS.toNanos(60);
  private static final AuditEvent EVENT = TestLog.decision("m", AuditEvent.Outcome.ISSUED);

  /** What the next sync of the folder's names does. */
  private final AtomicReference<Runnable> next = new AtomicReference<>(() -> {});

  private final CountDownLatch hangs = new CountDownLatch(1);
  private final CountDownLatch answers = new CountDownLatch(1);

  @TempDir Path home;
  private TestLog log;

  @BeforeEach
  void make() {
    log = new TestLog(home);
  }

  private AuditLog start() throws IOException {
    LogFolder folder =
        new LogFolder(
            log.folder,
            path -> {
              if (path.equals(log.folder)) {
                next.get().run();
              }
            });
    LogWriter writer = LogWriter.open(folder, log.settings, log.key, log.clock, "1.0");
    return RunningLog.start(writer, log.key, log.clock, () -> true, log.clock.nanoTime());
  }

  private void hang() {
    hangs.countDown();
    try {
      assertThat(answers.await(LIMIT, TimeUnit.NANOSECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static void await(BooleanSupplier condition) {
    long began = System.nanoTime();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - began).as("the condition did not come").isLessThan(LIMIT);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  /** The disk hangs at its next sync; nothing may be promised as long as it does. */
  private void requireThatNothingIsPromisedWhileItHangs(AuditLog running) throws Exception {
    next.set(this::hang);
    Thread asking =
        Thread.ofPlatform()
            .start(() -> {
              try {
                String _ = running.checkpoint();
              } catch (AuditUnavailableException e) {
                // It may have waited for too long.
                return;
              }
            });
    try {
      assertThat(hangs.await(LIMIT, TimeUnit.NANOSECONDS)).isTrue();
      running.promise(EVENT);
      log.clock.pass(Duration.ofSeconds(3));
      assertThat(running.status().fault())
          .hasValueSatisfying(it -> assertThat(it).contains("disk"));
      assertThatThrownBy(() -> running.promise(EVENT))
          .isInstanceOf(AuditUnavailableException.class);
    } finally {
      next.set(() -> {});
      answers.countDown();
    }
    asking.join();
    await(() -> running.status().fault().isEmpty());
    running.require(EVENT);
  }

  @Test
  void aDiskThatHangsInACheckpointHasNothingPromised() throws Exception {
    try (AuditLog running = start()) {
      requireThatNothingIsPromisedWhileItHangs(running);
    }
    assertThat(log.verify().findings()).isEmpty();
  }

  @Test
  void aDiskThatHangsWhileOldFilesAreRemovedHasNothingPromised() throws Exception {
    log.settings = new AuditSettings(log.folder, 1, 100, Duration.ofDays(400));
    try (AuditLog running = start()) {
      String _ = running.checkpoint();
      running.require(EVENT);
      requireThatNothingIsPromisedWhileItHangs(running);
    }
    assertThat(log.verify().findings()).isEmpty();
    assertThat(log.verify().trimmed()).isTrue();
  }

  @Test
  void anErrorThatNobodyForesawIsAFaultThatPasses() throws Exception {
    next.set(() -> {
      throw new IllegalStateException("odd");
    });
    try (AuditLog running = start()) {
      assertThat(running.status().fault()).hasValue("odd");
      assertThatThrownBy(() -> running.require(EVENT))
          .isInstanceOf(AuditUnavailableException.class);
      next.set(() -> {});
      await(() -> running.status().fault().isEmpty());
      next.set(() -> {
        throw new IllegalStateException("odd checkpoint");
      });
      assertThatThrownBy(running::checkpoint).isInstanceOf(AuditUnavailableException.class);
      assertThat(running.status().signingFault()).hasValue("odd checkpoint");
      next.set(() -> {});
      running.require(EVENT);
      String _ = running.checkpoint();
    }
    assertThat(log.verify().findings()).isEmpty();
  }

  @Test
  void aFolderThatCantBeReadToItsEndIsAnOrdinaryError() {
    Stream<Path> names =
        Stream.of(home)
            .peek(path -> {
              throw new UncheckedIOException(new IOException("unreadable"));
            });
    assertThatThrownBy(() -> LogFolder.named(names, Pattern.compile(".*")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("unreadable");
  }
}
