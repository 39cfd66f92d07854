package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RevocationOrder.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The ledger's tables of revocations. It reads over a connection of its own, since a long list
 * takes a while to read.
 */
final class RevocationLedger implements AutoCloseable {
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

  /** A generation of a module that gets nothing. */
  record Denied(String module, String generation) {}

  private static final int MOST_SHOWN = 1000;

  /** The instant that stands for none: no key was lost then. */
  private static final long NEVER = -1;

  private static final String REVOKE =
      "INSERT OR IGNORE INTO revocation(serial, authority, module, not_after, revoked, reason,"
          + " invalid_since, administrator)"
          + " SELECT serial, authority, module, not_after, ?, ?, NULLIF(?, -1), ? FROM certificate";

  private static final String DENY =
      "INSERT OR IGNORE INTO denied_module(module, generation, since, administrator)"
          + " VALUES (?, ?, ?, ?)";

  private static final String REVOKED =
      """
      SELECT r.serial, m.name, a.role, a.generation, r.not_after, r.revoked, r.reason,
        r.invalid_since, r.id
      FROM revocation r JOIN authority a ON a.id = r.authority
        LEFT JOIN module m ON m.id = r.module
      """;

  private final Ledger ledger;
  private final LedgerWriter writer;
  private final Connection connection;

  RevocationLedger(Ledger ledger, LedgerWriter writer, Path file) throws IOException {
    this.ledger = ledger;
    this.writer = writer;
    try {
      this.connection = LedgerSchema.connectToRead(file);
    } catch (SQLException e) {
      throw new IOException(file + " can't be read: " + e.getMessage(), e);
    }
  }

  /**
   * Revokes certificates of these serials.
   *
   * @return completes when it is on the disk, with how many were not revoked before
   */
  CompletableFuture<Long> revoke(List<byte[]> serials, RevocationOrder order, Instant now) {
    AtomicLong fresh = new AtomicLong();
    return writer
        .conditional(statements -> {
          long count = 0;
          for (byte[] serial : serials) {
            count +=
                statements.change(
                    REVOKE + " WHERE serial = ?",
                    now.getEpochSecond(),
                    order.reason().code(),
                    order.invalidSince().map(Instant::getEpochSecond).orElse(NEVER),
                    order.administrator(),
                    serial);
          }
          fresh.set(count);
        })
        .thenApply(done -> fresh.get());
  }

  /**
   * Revokes all certificates of a module that end after a moment, and denies it more, in one write.
   *
   * @param generations that are denied
   */
  CompletableFuture<Long> revoke(
      Target.Module module,
      Set<String> generations,
      RevocationOrder order,
      Instant endAfter,
      Instant now) {
    AtomicLong fresh = new AtomicLong();
    return writer
        .conditional(statements -> {
          long number = statements.module(module.name());
          for (String generation : generations) {
            statements.change(
                DENY, number, generation, now.getEpochSecond(), order.administrator());
          }
          fresh.set(
              statements.change(
                  REVOKE + " WHERE module = ? AND not_after > ? AND (? = 0 OR generation = ?)",
                  now.getEpochSecond(),
                  order.reason().code(),
                  order.invalidSince().map(Instant::getEpochSecond).orElse(NEVER),
                  order.administrator(),
                  number,
                  endAfter.getEpochSecond(),
                  module.generation().isPresent() ? 1 : 0,
                  module.generation().orElse("")));
        })
        .thenApply(done -> fresh.get());
  }

  /** Lifts the denial of these generations. */
  CompletableFuture<@Nullable Void> allow(String module, Set<String> generations) {
    return writer.conditional(statements -> {
      for (String generation : generations) {
        statements.change(
            "DELETE FROM denied_module WHERE generation = ?"
                + " AND module = (SELECT id FROM module WHERE name = ?)",
            generation,
            module);
      }
    });
  }

  /** All that is denied. */
  List<Denied> denied() throws IssuanceException {
    return all(
        "SELECT m.name, d.generation FROM denied_module d JOIN module m ON m.id = d.module",
        row -> new Denied(row.getString(1), row.getString(2)));
  }

  /** The generations of a module that have certificates which end after that. */
  Set<String> generations(String module, Instant endAfter) throws IssuanceException {
    return new HashSet<>(
        all(
            "SELECT DISTINCT generation FROM certificate WHERE not_after > ?"
                + " AND module = (SELECT id FROM module WHERE name = ?)",
            row -> row.getString(1),
            endAfter.getEpochSecond(),
            module));
  }

  /** Whether anything was ever issued to that module. */
  boolean knows(String module) throws IssuanceException {
    return !all(
            "SELECT 1 FROM certificate WHERE module = (SELECT id FROM module WHERE name = ?)"
                + " LIMIT 1",
            row -> row.getInt(1),
            module)
        .isEmpty();
  }

  /**
   * How the certificate of that serial was revoked.
   *
   * @param covers up to which revocation the list of an authority goes
   */
  Optional<RevokedCertificate> find(byte[] serial, ToLongFunction<String> covers)
      throws IssuanceException {
    return all(REVOKED + "WHERE r.serial = ?", row -> revoked(row, covers), (Object) serial)
        .stream()
        .findFirst();
  }

  /** Those of a module that end after that, the newest first, and not all if they are very many. */
  List<RevokedCertificate> ofModule(
      Target.Module module, Instant endAfter, ToLongFunction<String> covers)
      throws IssuanceException {
    return all(
        REVOKED + "WHERE m.name = ? AND r.not_after > ? ORDER BY r.id DESC LIMIT " + MOST_SHOWN,
        row -> revoked(row, covers),
        module.name(),
        endAfter.getEpochSecond());
  }

  /** How many of a module end after that. */
  long countOfModule(String module, Instant endAfter) throws IssuanceException {
    return all(
            "SELECT COUNT(*) FROM revocation WHERE not_after > ?"
                + " AND module = (SELECT id FROM module WHERE name = ?)",
            row -> row.getLong(1),
            endAfter.getEpochSecond(),
            module)
        .getFirst();
  }

  /** How many there are that end after that. */
  long living(Instant now) throws IssuanceException {
    return all(
            "SELECT COUNT(*) FROM revocation WHERE not_after > ?",
            row -> row.getLong(1),
            now.getEpochSecond())
        .getFirst();
  }

  /** How many of an authority are later than that one. */
  long after(long authority, long id) throws IssuanceException {
    return all(
            "SELECT COUNT(*) FROM revocation WHERE authority = ? AND id > ?",
            row -> row.getLong(1),
            authority,
            id)
        .getFirst();
  }

  /** What a list of that authority has to name: all but what ended before that. */
  List<Entry> entries(long authority, Instant endedBefore) throws IssuanceException {
    return all(
        "SELECT id, serial, not_after, revoked, reason, invalid_since FROM revocation"
            + " WHERE authority = ? AND not_after >= ? ORDER BY id",
        row ->
            new Entry(
                row.getLong(1),
                new Blob(row.getBytes(2)),
                Instant.ofEpochSecond(row.getLong(3)),
                Instant.ofEpochSecond(row.getLong(4)),
                RevocationReason.of(row.getInt(5)),
                instant(row, 6)),
        authority,
        endedBefore.getEpochSecond());
  }

  /** The number of the last revocation of that authority; 0 if it has none. */
  long last(long authority) throws IssuanceException {
    return all(
            "SELECT COALESCE(MAX(id), 0) FROM revocation WHERE authority = ?",
            row -> row.getLong(1),
            authority)
        .getFirst();
  }

  /** The last list of that authority. */
  Optional<ListRow> list(long authority) throws IssuanceException {
    return all(
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

  /** Records that a list is about to be signed. Its number is higher than any before. */
  Ledger.DurableIntent record(long authority, ListRow row, byte[] tbs) throws IssuanceException {
    byte[] tbsSha256 = Octets.sha256(tbs);
    return ledger.record(
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
    writer.note(statements ->
        statements.change(
            "UPDATE crl SET swept = ? WHERE authority = ?",
            thisUpdate.getEpochSecond(),
            authority));
  }

  private static RevokedCertificate revoked(ResultSet row, ToLongFunction<String> covers)
      throws SQLException {
    String module = row.getString(2);
    String authority = row.getString(3) + "-" + row.getInt(4);
    return new RevokedCertificate(
        Octets.hex(row.getBytes(1)),
        module == null ? "" : module,
        authority,
        Instant.ofEpochSecond(row.getLong(5)),
        Instant.ofEpochSecond(row.getLong(6)),
        RevocationReason.of(row.getInt(7)),
        instant(row, 8),
        row.getLong(9) <= covers.applyAsLong(authority));
  }

  private static Optional<Instant> instant(ResultSet row, int column) throws SQLException {
    long second = row.getLong(column);
    return row.wasNull() ? Optional.empty() : Optional.of(Instant.ofEpochSecond(second));
  }

  private synchronized <T> List<T> all(
      String sql, LedgerReader.RowReader<T> reader, Object... values) throws IssuanceException {
    List<T> items = new ArrayList<>();
    try (PreparedStatement query = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        query.setObject(i + 1, values[i]);
      }
      try (ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          items.add(reader.read(rows));
        }
      }
      return items;
    } catch (SQLException e) {
      throw new IssuanceException(Reason.LEDGER_UNAVAILABLE, "the ledger can't be read", e);
    }
  }

  @Override
  public synchronized void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      System.getLogger(RevocationLedger.class.getName())
          .log(System.Logger.Level.WARNING, "closing the ledger: {0}", e.getMessage());
    }
  }
}
