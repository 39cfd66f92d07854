package dev.vouchsafe.ca.clock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.clock.ClockChange.Kind;
import dev.vouchsafe.ca.clock.ClockSettings.Untrusted;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The clock with its thread, on this machine's own counters, its clock off by what a test says. */
class TrustedClocksTest {
  private static final Instant BUILT = Instant.parse("2026-11-01T00:00:00Z");

  @TempDir Path folder;
  private volatile Duration off = Duration.ZERO;

  private final InstantSource machine = () -> InstantSource.system().instant().plus(off);
  private final BlockingQueue<ClockChange> changes = new LinkedBlockingQueue<>();

  private ClockSettings settings() {
    return new ClockSettings(folder.resolve("clock"), BUILT, Untrusted.BOUNDED);
  }

  private ClockChange next() throws InterruptedException {
    ClockChange change = changes.poll(30, TimeUnit.SECONDS);
    assertThat(change).isNotNull();
    return change;
  }

  @Test
  void aJumpIsToldThoughNobodyReadsTheClock() throws Exception {
    try (TrustedClock clock = TrustedClocks.open(settings(), machine, Optional::empty)) {
      clock.listen(changes::add);
      off = Duration.ofDays(-3000);
      assertThat(next().kind()).isEqualTo(Kind.JUMPED);
      ClockChange untrusted = next();
      assertThat(untrusted.kind()).isEqualTo(Kind.UNTRUSTED);
      assertThat(untrusted.verdict().isTrusted()).isFalse();
      assertThat(Duration.between(InstantSource.system().instant(), clock.instant()).abs())
          .isLessThan(Duration.ofMinutes(5));
      off = Duration.ZERO;
      assertThat(next().kind()).isEqualTo(Kind.JUMPED);
      assertThat(next().kind()).isEqualTo(Kind.TRUSTED);
      assertThat(clock.read().isTrusted()).isTrue();
    }
    assertThat(new FloorFile(settings().file()).read()).isPresent();
  }

  @Test
  void aMachineThatFailsForAWhileDoesNotEndTheWatch() throws Exception {
    AtomicBoolean broken = new AtomicBoolean();
    CountDownLatch failed = new CountDownLatch(2);
    InstantSource failing =
        () -> {
          if (broken.get()) {
            failed.countDown();
            throw new IllegalStateException("no clock");
          }
          return machine.instant();
        };
    try (TrustedClock clock = TrustedClocks.open(settings(), failing, Optional::empty)) {
      clock.listen(changes::add);
      broken.set(true);
      assertThat(failed.await(30, TimeUnit.SECONDS)).isTrue();
      off = Duration.ofDays(-3000);
      broken.set(false);
      assertThat(next().kind()).isEqualTo(Kind.JUMPED);
    }
  }

  @Test
  void aDiskThatHangsDoesNotKeepTheServiceFromStopping() throws Exception {
    CountDownLatch hangs = new CountDownLatch(1);
    CountDownLatch goesOn = new CountDownLatch(1);
    CountDownLatch written = new CountDownLatch(1);
    FloorFile slow =
        new FloorFile(
            settings().file(),
            step -> {
              if (step == FloorFile.Step.TEMPORARY_WRITTEN) {
                hangs.countDown();
                awaitIt(goesOn);
              } else if (step == FloorFile.Step.FOLDER_SYNCED) {
                written.countDown();
              }
            });
    RunningClock clock =
        new RunningClock(
                settings(),
                new RealMachine(machine),
                new FloorKeeper(settings(), slow, Optional::empty))
            .watched();
    assertThat(hangs.await(30, TimeUnit.SECONDS)).isTrue();
    Thread closing = Thread.ofPlatform().daemon().start(clock::close);
    assertThat(closing.join(Duration.ofSeconds(30))).isTrue();
    assertThat(written.getCount()).isEqualTo(1);
    goesOn.countDown();
    assertThat(written.await(30, TimeUnit.SECONDS)).isTrue();
  }

  private static void awaitIt(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void whoListensLateIsToldThatTheClockIsNotTrusted() throws Exception {
    off = Duration.ofDays(-3000);
    try (TrustedClock clock = TrustedClocks.open(settings(), machine, Optional::empty)) {
      clock.listen(changes::add);
      assertThat(next().kind()).isEqualTo(Kind.UNTRUSTED);
    }
  }

  @Test
  void lookingChangesNothing() throws Exception {
    ClockStatus status = TrustedClocks.examine(settings(), machine, Optional::empty);
    assertThat(status.built()).isEqualTo(BUILT);
    assertThat(status.synchronised()).isNotNull();
    try (var entries = Files.list(folder)) {
      assertThat(entries).isEmpty();
    }
  }

  @Test
  void theMachineTellsHowLongItIsUpWithTheTimeItSlept() {
    RealMachine real = new RealMachine(machine);
    Duration up = real.upTime().orElseThrow();
    assertThat(up).isPositive();
    assertThat(real.upTime().orElseThrow()).isGreaterThanOrEqualTo(up);
    // Asked twice: the handle is kept.
    assertThat(real.synchronised()).isEqualTo(real.synchronised());
  }

  @Test
  void aBelievedClockIsTrustedWhateverItShows() throws Exception {
    try (TrustedClock clock = TrustedClocks.believing(() -> Instant.EPOCH)) {
      clock.listen(changes::add);
      assertThat(clock.read().isTrusted()).isTrue();
      assertThat(clock.isCertain()).isTrue();
      assertThat(clock.epoch()).isZero();
      assertThat(clock.accept().now()).isEqualTo(Instant.EPOCH);
      assertThat(changes).isEmpty();
    }
  }
}
