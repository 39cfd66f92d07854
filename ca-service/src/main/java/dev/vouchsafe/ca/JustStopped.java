package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * When each device CA, or root, that retires in this process stopped to sign. What was prepared for
 * it before is signed and in the ledger {@link DeviceSteps#UNDER_WAY} later: until then nobody can
 * tell whether anything lives under it.
 */
final class JustStopped {
  private final Pace pace;

  /** By number in the ledger, {@link Pace#nanoTime}. */
  private final Map<Long, Long> since = new ConcurrentHashMap<>();

  JustStopped(Pace pace) {
    this.pace = pace;
  }

  /** The authority of that number signs no more from now on. */
  void stopped(long row) {
    since.put(row, pace.nanoTime().getAsLong());
  }

  /** How long it is still to be waited for; zero if not at all. */
  Duration left(long row) {
    Long when = since.get(row);
    Duration left =
        when == null
            ? Duration.ZERO
            : DeviceSteps.UNDER_WAY.minusNanos(pace.nanoTime().getAsLong() - when);
    return left.isNegative() ? Duration.ZERO : left;
  }
}
