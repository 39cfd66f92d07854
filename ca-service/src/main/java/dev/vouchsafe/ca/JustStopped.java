package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * When each device CA, or root, that retires in this process stopped to sign. What was prepared for
 * it before is signed and in the ledger {@link DeviceSteps#UNDER_WAY} later: until then nobody can
 * tell whether anything lives under it.
 */
final class JustStopped {
  /** What is waited for then, in a line for people. */
  static final String WAITS = "what it signed a moment ago to be in the ledger";

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

  /**
   * How long it is still to be waited for that one, and of a root for every device CA under it;
   * zero if not at all.
   */
  Duration left(AuthorityChain chain, StoredAuthority ending) {
    List<StoredAuthority> under =
        ending.row().role() == Role.ROOT ? chain.devicesUnder(ending) : List.of();
    return Stream.concat(Stream.of(ending), under.stream())
        .map(it -> left(it.row().row()))
        .max(Comparator.naturalOrder())
        .orElse(Duration.ZERO);
  }

  private Duration left(long row) {
    Long when = since.get(row);
    Duration left =
        when == null
            ? Duration.ZERO
            : DeviceSteps.UNDER_WAY.minusNanos(pace.nanoTime().getAsLong() - when);
    return left.isNegative() ? Duration.ZERO : left;
  }
}
