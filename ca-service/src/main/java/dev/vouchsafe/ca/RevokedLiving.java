package dev.vouchsafe.ca;

import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/**
 * Takes out of the count of living certificates what was revoked since it last looked: a module
 * whose key was lost has to get others in the place of those that it can't use any more. Used by
 * one thread at a time.
 */
final class RevokedLiving {
  /** So many of one module that end in one minute. */
  private record Ended(String module, long minute, long count) {}

  private final Optional<LiveCertificates> live;
  private final RevocationTables tables;
  private final InstantSource clock;
  private long seen;

  /**
   * @param live counts those that are not revoked, if they are limited
   */
  RevokedLiving(Optional<LiveCertificates> live, RevocationTables tables, InstantSource clock)
      throws IssuanceException {
    this.live = live;
    this.tables = tables;
    this.clock = clock;
    this.seen = live.isEmpty() ? 0 : last();
  }

  private long last() throws IssuanceException {
    return tables
        .all("SELECT COALESCE(MAX(id), 0) FROM revocation", row -> row.getLong(1))
        .getFirst();
  }

  /** Takes out what is new. */
  synchronized void follow() throws IssuanceException {
    if (live.isEmpty()) {
      return;
    }
    long upTo = last();
    if (upTo == seen) {
      return;
    }
    // What failed was taken out then.
    int failed = StateCode.of(LedgerEntry.State.FAILED);
    take(
        tables.all(
            "SELECT m.name, c.not_after / 60, COUNT(*) FROM revocation r"
                + " JOIN certificate c ON c.serial = r.serial JOIN module m ON m.id = c.module"
                + " WHERE r.id > ? AND r.id <= ? AND c.state <> ? GROUP BY 1, 2",
            row -> new Ended(row.getString(1), row.getLong(2), row.getLong(3)),
            seen,
            upTo,
            failed));
    take(
        tables.all(
            "SELECT m.name, c.not_after / 60, COUNT(*) FROM certificate c"
                + " JOIN module m ON m.id = c.module WHERE c.not_after > ? AND c.state <> ?"
                + " AND c.authority IN (SELECT subject_authority FROM revocation"
                + " WHERE subject_authority IS NOT NULL AND id > ? AND id <= ?)"
                + " AND NOT EXISTS (SELECT 1 FROM revocation r WHERE r.serial = c.serial)"
                + " GROUP BY 1, 2",
            row -> new Ended(row.getString(1), row.getLong(2), row.getLong(3)),
            clock.instant().getEpochSecond(),
            failed,
            seen,
            upTo));
    seen = upTo;
  }

  private void take(List<Ended> ended) {
    LiveCertificates counted = live.orElseThrow();
    ended.forEach(it -> counted.leave(it.module(), it.minute(), it.count()));
  }
}
