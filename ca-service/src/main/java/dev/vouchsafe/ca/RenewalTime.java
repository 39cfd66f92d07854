package dev.vouchsafe.ca;

import dev.vouchsafe.ca.clock.TrustedClock.Reading;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** When to ask for the next: half of the life that is left, give or take 5 %. */
final class RenewalTime {
  private static final double JITTER = 0.05;

  /** What is issued by a time that isn't known is to be replaced soon after that is known. */
  static final Duration EARLY = Duration.ofMinutes(10);

  private RenewalTime() {}

  /** The same, or {@link #EARLY} if the time is not trusted. */
  static Instant of(Reading time, Instant notAfter, double random) {
    Instant early = time.now().plus(EARLY.multipliedBy(2));
    boolean isLate = !time.isTrusted() && notAfter.isAfter(early);
    return between(time.now(), isLate ? early : notAfter, random);
  }

  /**
   * @param random from 0 to 1, so that a fleet does not come back at once
   */
  static Instant between(Instant now, Instant notAfter, double random) {
    long left = Math.max(0, Duration.between(now, notAfter).toSeconds());
    double share = 0.5 + JITTER * (2 * random - 1);
    return now.truncatedTo(ChronoUnit.SECONDS).plusSeconds((long) (left * share));
  }
}
