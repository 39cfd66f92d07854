package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Counts the certificates of each registration that have not ended, and says when there are enough.
 * Ends are counted by the minute, the one that a certificate ends in whole. Safe for use by many
 * threads.
 *
 * <p>It is a limit on what one module makes us remember, not a record: that is the ledger. A clock
 * that jumps ahead makes it forget what seems to have ended, and until the next start it is then
 * generous.
 */
final class LiveCertificates {
  private static final int MINUTE = 60;

  private final long most;
  private final Map<String, Count> counts = new HashMap<>();

  /** Of one registration. */
  private static final class Count {
    final TreeMap<Long, Long> byMinute = new TreeMap<>();
    long total;
  }

  /**
   * @param most for each registration
   */
  LiveCertificates(long most) {
    this.most = most;
  }

  /** Counts what was issued before; whatever the number. */
  synchronized void add(String module, long notAfterMinute, long number) {
    Count count = counts.computeIfAbsent(module, name -> new Count());
    count.byMinute.merge(notAfterMinute, number, Long::sum);
    count.total += number;
  }

  /**
   * Counts one more.
   *
   * @throws IssuanceException if there are enough of that registration
   */
  synchronized void enter(String module, Instant notAfter, Instant now) throws IssuanceException {
    Count count = counts.get(module);
    if (count != null) {
      forget(count, minute(now));
      if (count.total >= most) {
        throw new IssuanceException(
            Reason.TOO_MANY_CERTIFICATES,
            "the module has "
                + count.total
                + " certificates that have not ended, and [limits] live-certificates is "
                + most);
      }
    }
    add(module, minute(notAfter), 1);
  }

  /** Takes one back that was not signed after all. */
  void leave(String module, Instant notAfter) {
    leave(module, minute(notAfter), 1);
  }

  /** Takes so many back that end in that minute, as far as they are counted. */
  synchronized void leave(String module, long notAfterMinute, long number) {
    Count count = counts.get(module);
    if (count == null) {
      return;
    }
    count.byMinute.computeIfPresent(
        notAfterMinute,
        (end, counted) -> {
          count.total -= Math.min(counted, number);
          return counted <= number ? null : counted - number;
        });
  }

  private static void forget(Count count, long now) {
    Map<Long, Long> ended = count.byMinute.headMap(now);
    for (long number : ended.values()) {
      count.total -= number;
    }
    ended.clear();
  }

  private static long minute(Instant time) {
    return Math.floorDiv(time.getEpochSecond(), MINUTE);
  }
}
