package dev.vouchsafe.ca.clock;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * How time passes: holds the machine's clock against the time that really passed since the look
 * before, with the machine awake and asleep. Used by one thread at a time.
 *
 * <p>Differences are kept until they are large enough to be told, so that many small ones are told
 * as well.
 */
final class Passage {
  /** What is less is no jump and no sleep: clocks are slewed, and leap seconds come. */
  static final Duration JUMP = Duration.ofSeconds(5);

  private static final Duration ONE_MOMENT = Duration.ofMillis(100);
  private static final int MOST_TRIES = 5;

  /**
   * What was seen.
   *
   * @param nano by {@link Machine#nanoTime}
   * @param clock what the machine's clock shows
   * @param passed the time since the look before, {@code slept} included
   * @param slept for how long the machine slept, if that is worth telling; otherwise zero
   * @param expected what the clock would show without jumps; if it jumped, what it shows
   * @param jump how far it jumped forward, or back if negative; zero if it did not
   */
  record Step(
      long nano, Instant clock, Duration passed, Duration slept, Instant expected, Duration jump) {}

  private final Machine machine;
  private long nano;
  private Instant expected;

  /** Up time less {@link Machine#nanoTime}: it grows while the machine sleeps. */
  private Optional<Duration> asleep;

  Passage(Machine machine) {
    this.machine = machine;
    Moment first = look();
    nano = first.nano();
    expected = first.clock();
    asleep = first.asleep();
  }

  /** Both clocks at one moment. */
  private record Moment(long nano, Instant clock, Optional<Duration> asleep) {}

  /** What stands between the two readings, such as a busy processor, must not look like a jump. */
  private Moment look() {
    for (int tries = 1; ; tries++) {
      long before = machine.nanoTime();
      Instant clock = machine.clock();
      Optional<Duration> up = machine.upTime();
      long after = machine.nanoTime();
      if (after - before < ONE_MOMENT.toNanos() || tries == MOST_TRIES) {
        return new Moment(before, clock, up.map(time -> time.minusNanos(before)));
      }
    }
  }

  /** What happened since the last look. */
  Step next() {
    Moment now = look();
    Duration slept = slept(now);
    Duration passed = Duration.ofNanos(now.nano() - nano).plus(slept);
    Instant without = expected.plus(passed);
    Duration off = Duration.between(without, now.clock());
    Duration jump = off.abs().compareTo(JUMP) < 0 ? Duration.ZERO : off;
    nano = now.nano();
    expected = jump.isZero() ? without : now.clock();
    return new Step(nano, now.clock(), passed, slept, expected, jump);
  }

  private Duration slept(Moment now) {
    if (asleep.isEmpty() || now.asleep().isEmpty()) {
      asleep = now.asleep();
      return Duration.ZERO;
    }
    Duration more = now.asleep().get().minus(asleep.get());
    if (more.compareTo(JUMP) < 0) {
      return Duration.ZERO;
    }
    asleep = now.asleep();
    return more;
  }

  /** What the clock showed at the first look, or should have shown at the last one. */
  Instant expected() {
    return expected;
  }

  /** When the last look was, by {@link Machine#nanoTime}. */
  long nano() {
    return nano;
  }
}
