package dev.vouchsafe.ca;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** What the ledger knows of revocation lists, and what they have to name. */
final class CrlLedger {
  /**
   * One entry of a list.
   *
   * @param id number of the revocation: later ones have higher numbers
   */
  record Entry(
      long id,
      Blob serial,
      Instant notAfter,
      Instant revoked,
      RevocationReason reason,
      Optional<Instant> invalidSince) {}

  /**
   * What is known of the last list that an authority signed, or was about to.
   *
   * @param number its CRL number
   * @param covers the number of the last revocation that it names
   * @param swept certificates that ended before this were named by a list after their end
   */
  record ListRow(long number, Instant thisUpdate, Instant nextUpdate, long covers, Instant swept) {}

  /** A list of a hundred thousand entries is taken in within this. */
  private static final Duration ADOPTION_WAITS = Duration.ofSeconds(60);

  /** The instant that stands for none. */
  private static final long NEVER = -1;

  private final RevocationTables tables;

  CrlLedger(RevocationTables tables) {
    this.tables = tables;
  }

  /** How many of an authority are later than that one. */
  long after(long authority, long id) throws IssuanceException {
    return tables
        .all(
            "SELECT COUNT(*) FROM revocation WHERE authority = ? AND id > ?",
            row -> row.getLong(1),
            authority,
            id)
        .getFirst();
  }

  /** What a list of that authority has to name: all but what ended before that. */
  List<Entry> entries(long authority, Instant endedBefore) throws IssuanceException {
    return tables.all(
        "SELECT id, serial, not_after, revoked, reason, invalid_since FROM revocation"
            + " WHERE authority = ? AND not_after >= ? ORDER BY id",
        row ->
            new Entry(
                row.getLong(1),
                new Blob(row.getBytes(2)),
                Instant.ofEpochSecond(row.getLong(3)),
                Instant.ofEpochSecond(row.getLong(4)),
                RevocationReason.of(row.getInt(5)),
                RevocationTables.instant(row, 6)),
        authority,
        endedBefore.getEpochSecond());
  }

  /** Takes in what a list named and the ledger doesn't know; says how many that was. */
  long adopt(long authority, List<Entry> entries) throws IssuanceException {
    AtomicLong fresh = new AtomicLong();
    KeyLedger.await(
        tables
            .writer()
            .conditional(statements -> {
              long count = 0;
              for (Entry entry : entries) {
                byte[] serial = entry.serial().octets();
                count +=
                    statements.change(
                        "INSERT OR IGNORE INTO revocation(serial, authority, module, subject_authority,"
                            + " not_after, revoked, reason, invalid_since, administrator)"
                            + " SELECT ?, ?,"
                            + " (SELECT module FROM certificate WHERE serial = ?),"
                            + " (SELECT id FROM authority WHERE serial = ?),"
                            + " COALESCE((SELECT not_after FROM certificate WHERE serial = ?), ?),"
                            + " ?, ?, NULLIF(?, -1), -1",
                        serial,
                        authority,
                        serial,
                        serial,
                        serial,
                        entry.notAfter().getEpochSecond(),
                        entry.revoked().getEpochSecond(),
                        entry.reason().code(),
                        entry.invalidSince().map(Instant::getEpochSecond).orElse(NEVER));
              }
              fresh.set(count);
            }),
        ADOPTION_WAITS);
    return fresh.get();
  }

  /** The number of the last revocation of that authority; 0 if it has none. */
  long last(long authority) throws IssuanceException {
    return tables
        .all(
            "SELECT COALESCE(MAX(id), 0) FROM revocation WHERE authority = ?",
            row -> row.getLong(1),
            authority)
        .getFirst();
  }

  /** The last list of that authority. */
  Optional<ListRow> list(long authority) throws IssuanceException {
    return tables
        .all(
            "SELECT number, this_update, next_update, covers, swept FROM crl WHERE authority = ?",
            row ->
                new ListRow(
                    row.getLong(1),
                    Instant.ofEpochSecond(row.getLong(2)),
                    Instant.ofEpochSecond(row.getLong(3)),
                    row.getLong(4),
                    Instant.ofEpochSecond(row.getLong(5))),
            authority)
        .stream()
        .findFirst();
  }

  /** Whether that is the hash of the last list that the ledger knows of that authority. */
  boolean isLast(long authority, byte[] tbsSha256) throws IssuanceException {
    return !tables
        .all(
            "SELECT 1 FROM crl WHERE authority = ? AND tbs_sha256 = ?",
            row -> row.getInt(1),
            authority,
            tbsSha256)
        .isEmpty();
  }

  /** Records that a list is about to be signed. Its number is higher than any before. */
  Ledger.DurableIntent record(long authority, ListRow row, byte[] tbs) throws IssuanceException {
    byte[] tbsSha256 = Octets.sha256(tbs);
    return tables.record(
        statements ->
            statements.changeOne(
                "INSERT INTO crl(authority, number, this_update, next_update, covers, tbs_sha256,"
                    + " swept) VALUES (?,?,?,?,?,?,?) ON CONFLICT(authority) DO UPDATE SET"
                    + " number = excluded.number, this_update = excluded.this_update,"
                    + " next_update = excluded.next_update, covers = excluded.covers,"
                    + " tbs_sha256 = excluded.tbs_sha256 WHERE excluded.number > crl.number",
                authority,
                row.number(),
                row.thisUpdate().getEpochSecond(),
                row.nextUpdate().getEpochSecond(),
                row.covers(),
                tbsSha256,
                row.swept().getEpochSecond()),
        tbs);
  }

  /** Notes that a list is served which still named all that ended before its time. */
  void swept(long authority, Instant thisUpdate) {
    tables
        .writer()
        .note(statements ->
            statements.change(
                "UPDATE crl SET swept = ? WHERE authority = ?",
                thisUpdate.getEpochSecond(),
                authority));
  }
}
