package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * How time passes for those who wait, whatever the clock says.
 *
 * @param nanoTime as {@link System#nanoTime}: it never jumps, and means nothing in itself
 * @param keyWait how long the one request that had the token keys looked after waits for that; then
 *     it goes on as all others did at once
 * @param longestWait after which one who waits for the ledger is told that it is unavailable
 * @param intentWait the same for the intent of a certificate: far longer than a disk takes that is
 *     well
 */
record Pace(LongSupplier nanoTime, Duration keyWait, Duration longestWait, Duration intentWait) {
  /** The real one: nobody waits for longer than a front end keeps a request. */
  static Pace real() {
    return new Pace(
        System::nanoTime, Duration.ofSeconds(1), Duration.ofSeconds(5), Duration.ofSeconds(10));
  }
}
