package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * When a device CA is to be replaced, if nobody does it sooner.
 *
 * @param prepareAt at half of its life
 * @param activateAt at five sixths of it, when the next one still has most of its life before it
 * @param hurryAt at eleven twelfths: from then on it waits for no window, since to rotate outside
 *     of one disturbs nobody, and to end does
 * @param end of its life
 */
record DeviceSchedule(Instant prepareAt, Instant activateAt, Instant hurryAt, Instant end) {
  private static final int PARTS = 12;

  static DeviceSchedule of(StoredAuthority device) {
    Instant begin = device.certificate().getNotBefore().toInstant();
    Instant end = device.end();
    Duration part = Duration.between(begin, end).dividedBy(PARTS);
    return new DeviceSchedule(
        begin.plus(part.multipliedBy(6)),
        begin.plus(part.multipliedBy(10)),
        begin.plus(part.multipliedBy(11)),
        end);
  }

  /** When a step is taken that is due at that time: then or now, in the window. */
  Instant planned(Instant due, Optional<MaintenanceWindow> window, Instant now) {
    Instant from = later(due, now);
    Instant open = window.map(known -> known.next(from)).orElse(from);
    return open.isAfter(hurryAt) ? later(from, hurryAt) : open;
  }

  /**
   * Until when a person's word holds that the next one is given up: until it is urgent. If it was
   * then already, for half of what was left. A word of a time after its end is one of a wrong
   * clock.
   */
  Instant held(Instant givenUp) {
    return givenUp.isBefore(hurryAt) || !givenUp.isBefore(end)
        ? hurryAt
        : givenUp.plus(Duration.between(givenUp, end).dividedBy(2));
  }

  /** Whether another device CA would live noticeably longer, or only end with the root as well. */
  boolean isWorthWhile(Instant now, Duration life, StoredAuthority root) {
    Instant next = now.plus(life);
    Instant nextEnd = root.end().isBefore(next) ? root.end() : next;
    return nextEnd.isAfter(end.plus(life.dividedBy(PARTS)));
  }

  private static Instant later(Instant one, Instant other) {
    return one.isAfter(other) ? one : other;
  }
}
