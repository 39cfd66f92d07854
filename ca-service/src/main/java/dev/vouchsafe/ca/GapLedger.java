package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * The ledger's table of gaps. While one of them is open nothing is issued; what is in memory says
 * so before the disk does when one opens, and after it when one is closed.
 */
final class GapLedger {
  /** A gap with its row. */
  record Stored(long row, LedgerGap gap) {}

  private static final Duration WAITS = Duration.ofSeconds(10);
  private static final String GAPS =
      "SELECT id, backup, known, restored, latest_end, wanted, accepted FROM gap ORDER BY id";

  private final LedgerWriter writer;
  private final LedgerReader reader;
  private volatile List<Stored> gaps;

  GapLedger(LedgerWriter writer, LedgerReader reader) throws IOException {
    this.writer = writer;
    this.reader = reader;
    try {
      gaps = read();
    } catch (SQLException e) {
      throw new IOException("the gaps in the ledger can't be read: " + e.getMessage(), e);
    }
  }

  private List<Stored> read() throws SQLException {
    return reader.all(
        GAPS,
        row ->
            new Stored(
                row.getLong(1),
                new LedgerGap(
                    row.getString(2),
                    Instant.ofEpochSecond(row.getLong(3)),
                    Instant.ofEpochSecond(row.getLong(4)),
                    Instant.ofEpochSecond(row.getLong(5)),
                    RevocationTables.instant(row, 6),
                    RevocationTables.instant(row, 7))));
  }

  List<LedgerGap> all() {
    return gaps.stream().map(Stored::gap).toList();
  }

  boolean isOpen() {
    for (Stored stored : gaps) {
      if (stored.gap().open()) {
        return true;
      }
    }
    return false;
  }

  void requireNone() throws IssuanceException {
    if (isOpen()) {
      throw refusal();
    }
  }

  static IssuanceException refusal() {
    return new IssuanceException(
        Reason.GAP_NOT_ACCEPTED,
        "the ledger was restored from a backup and may not know all that was issued since: accept"
            + " that with `vouchsafe restore --accept-gap`");
  }

  /** The generation of that role which may have been used before the newest restore; 0 if none. */
  int used(AuthorityInfo.Role role) throws IssuanceException {
    try {
      return reader
          .all(
              "SELECT role, latest FROM used_generation",
              row -> new Used(row.getString(1), row.getInt(2)))
          .stream()
          .filter(it -> it.role().equals(LedgerCopy.text(role)))
          .map(Used::latest)
          .findFirst()
          .orElse(0);
    } catch (SQLException e) {
      throw unreadable(e);
    }
  }

  private record Used(String role, int latest) {}

  /** Notes durably that an administrator accepts all that are open. */
  void want(long administrator, Instant now) throws IssuanceException {
    KeyLedger.await(
        writer.conditional(ledger ->
            ledger.change(
                "UPDATE gap SET wanted = ?, administrator = ? WHERE wanted IS NULL",
                now.getEpochSecond(),
                administrator)),
        WAITS);
    reload();
  }

  /** Notes durably that issuing goes on after all that were accepted by somebody. */
  void accepted(Instant now) throws IssuanceException {
    KeyLedger.await(
        writer.conditional(ledger ->
            ledger.change(
                "UPDATE gap SET accepted = ? WHERE accepted IS NULL AND wanted IS NOT NULL",
                now.getEpochSecond())),
        WAITS);
    reload();
  }

  private void reload() throws IssuanceException {
    try {
      gaps = read();
    } catch (SQLException e) {
      throw unreadable(e);
    }
  }

  /** Whoever accepted the newest; nothing while nobody did. */
  Optional<Instant> wanted() {
    return gaps.stream()
        .map(Stored::gap)
        .filter(LedgerGap::open)
        .reduce((older, newer) -> newer)
        .flatMap(LedgerGap::wanted);
  }

  private static IssuanceException unreadable(SQLException e) {
    return new IssuanceException(Reason.LEDGER_UNAVAILABLE, "the ledger can't be read", e);
  }
}
