package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.Optional;

/**
 * A time of which the ledger may not know all: it was restored from a backup, and whatever was
 * issued, revoked or changed between the two is unknown to it.
 *
 * @param backup id of the backup
 * @param known all that was delivered before this moment is in the ledger
 * @param restored when the backup was restored
 * @param latestEnd no unknown certificate of a module, a device or a child gateway lives after this
 * @param wanted when an administrator said that it is accepted
 * @param accepted when a new device CA had taken over after that, and issuing went on
 */
public record LedgerGap(
    String backup,
    Instant known,
    Instant restored,
    Instant latestEnd,
    Optional<Instant> wanted,
    Optional<Instant> accepted) {
  /** Whether nothing is issued because of it. */
  public boolean open() {
    return accepted.isEmpty();
  }
}
