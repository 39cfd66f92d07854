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
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
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
