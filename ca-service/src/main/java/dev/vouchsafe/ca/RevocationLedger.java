package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RevocationOrder.Target;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
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

  /**
   * The certificate of who answers OCSP requests.
   *
   * @param authority that signs it
   * @param module the name in the place of a module's
   */
  record SignerRow(
      long authority,
      String module,
      String commonName,
      Blob serial,
      Instant notBefore,
      Instant notAfter) {}

  /**
   * An authority that is to be revoked.
   *
   * @param row its row
   * @param by the row of the one over it
   */
  record RevokedAuthority(long row, long by, Blob serial, Instant notAfter) {}

  /** A token that was revoked, and when no token of its block lives any more. */
  record RevokedToken(String id, Instant latestExpiry) {}

  /** How a certificate stands with an authority. */
  sealed interface Standing {
    /** The authority signed it, or was about to. */
    record Good() implements Standing {}

    /** The authority never had to do with it. */
    record Unknown() implements Standing {}

    /** It was revoked. */
    record Revoked(Instant at, RevocationReason reason) implements Standing {}
  }

  /** A generation of a module that gets nothing. */
  record Denied(String module, String generation) {}

  private static final int MOST_SHOWN = 1000;

  /** A list of a hundred thousand entries is taken in within this. */
  private static final Duration ADOPTION_WAITS = Duration.ofSeconds(60);

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
        r.invalid_since, r.id, a.role, a.generation
      FROM revocation r JOIN authority a ON a.id = r.authority
        LEFT JOIN module m ON m.id = r.module
      """;

  /** {@link RevocationReason#CA_COMPROMISE}, and listed if its authority is. */
  private static final String WITH_AUTHORITY =
      """
      SELECT c.serial, m.name, a.role, a.generation, c.not_after, r.revoked, 2, r.invalid_since,
        r.id, o.role, o.generation
      FROM certificate c JOIN authority a ON a.id = c.authority
        JOIN revocation r ON r.subject_authority = a.id JOIN authority o ON o.id = r.authority
        LEFT JOIN module m ON m.id = c.module
      WHERE c.serial = ?
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

  /** Revokes authorities, all in one write. */
  CompletableFuture<Long> revokeAuthorities(
      List<RevokedAuthority> authorities, RevocationOrder order, Instant now) {
    AtomicLong fresh = new AtomicLong();
    return writer
        .conditional(statements -> {
          long count = 0;
          for (RevokedAuthority authority : authorities) {
            count +=
                statements.change(
                    "INSERT OR IGNORE INTO revocation(serial, authority, subject_authority,"
                        + " not_after, revoked, reason, invalid_since, administrator)"
                        + " VALUES (?, ?, ?, ?, ?, ?, NULLIF(?, -1), ?)",
                    authority.serial().octets(),
                    authority.by(),
                    authority.row(),
                    authority.notAfter().getEpochSecond(),
                    now.getEpochSecond(),
                    order.reason().code(),
                    order.invalidSince().map(Instant::getEpochSecond).orElse(NEVER),
                    order.administrator());
          }
          fresh.set(count);
        })
        .thenApply(done -> fresh.get());
  }

  /** The rows of all authorities that are revoked. */
  Set<Long> revokedAuthorities() throws IssuanceException {
    return new HashSet<>(
        all(
            "SELECT subject_authority FROM revocation WHERE subject_authority IS NOT NULL",
            row -> row.getLong(1)));
  }

  /** How those authorities were revoked. */
  List<RevokedCertificate> ofAuthority(long row, ToLongFunction<String> covers)
      throws IssuanceException {
    return all(
        REVOKED + "WHERE r.subject_authority = ? ORDER BY r.id", it -> revoked(it, covers), row);
  }

  /** Revokes tokens of these ids, which are well-formed and known. */
  CompletableFuture<Long> revokeTokens(List<String> ids, Instant now, long administrator) {
    AtomicLong fresh = new AtomicLong();
    return writer
        .conditional(statements -> {
          long count = 0;
          for (String id : ids) {
            count +=
                statements.change(
                    "INSERT OR IGNORE INTO denied_token(id, latest_expiry, revoked, administrator)"
                        + " SELECT ?, latest_expiry, ?, ? FROM token_block WHERE prefix = ?",
                    id,
                    now.getEpochSecond(),
                    administrator,
                    prefix(id));
          }
          fresh.set(count);
        })
        .thenApply(done -> fresh.get());
  }

  /** The part of a token's id that its block has. */
  private static byte[] prefix(String id) {
    return Octets.unhex(id.substring(0, TokenIds.PREFIX * 2)).orElseThrow();
  }

  /** Whether a token may have that id. */
  boolean knowsToken(String id) throws IssuanceException {
    return !all(
            "SELECT 1 FROM token_block WHERE prefix = ?", row -> row.getInt(1), (Object) prefix(id))
        .isEmpty();
  }

  List<RevokedToken> revokedTokens() throws IssuanceException {
    return all(
        "SELECT id, latest_expiry FROM denied_token ORDER BY id",
        row -> new RevokedToken(row.getString(1), Instant.ofEpochSecond(row.getLong(2))));
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
    List<RevokedCertificate> own =
        all(REVOKED + "WHERE r.serial = ?", row -> revoked(row, covers), (Object) serial);
    return own.isEmpty() ? withAuthority(serial, covers) : Optional.of(own.getFirst());
  }

  /** The same for one whose authority was revoked as a whole. */
  private Optional<RevokedCertificate> withAuthority(byte[] serial, ToLongFunction<String> covers)
      throws IssuanceException {
    return all(WITH_AUTHORITY, row -> revoked(row, covers), (Object) serial).stream().findFirst();
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

  /** Takes in what a list named and the ledger doesn't know; says how many that was. */
  long adopt(long authority, List<Entry> entries) throws IssuanceException {
    AtomicLong fresh = new AtomicLong();
    KeyLedger.await(
        writer.conditional(statements -> {
          long count = 0;
          for (Entry entry : entries) {
            byte[] serial = entry.serial().octets();
            count +=
                statements.change(
                    "INSERT OR IGNORE INTO revocation(serial, authority, module, subject_authority,"
                        + " not_after, revoked, reason, administrator) SELECT ?, ?,"
                        + " (SELECT module FROM certificate WHERE serial = ?),"
                        + " (SELECT id FROM authority WHERE serial = ?),"
                        + " COALESCE((SELECT not_after FROM certificate WHERE serial = ?), ?),"
                        + " ?, ?, -1",
                    serial,
                    authority,
                    serial,
                    serial,
                    serial,
                    entry.notAfter().getEpochSecond(),
                    entry.revoked().getEpochSecond(),
                    entry.reason().code());
          }
          fresh.set(count);
        }),
        ADOPTION_WAITS);
    return fresh.get();
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

  /** Records that the certificate of who answers OCSP requests is about to be signed. */
  Ledger.DurableIntent record(SignerRow row, byte[] spkiSha256, byte[] tbs)
      throws IssuanceException {
    byte[] tbsSha256 = Octets.sha256(tbs);
    return ledger.record(
        statements ->
            statements.changeOne(
                "INSERT INTO certificate(serial, module, generation, profile, authority,"
                    + " common_name, names, not_before, not_after, state, tbs_sha256, spki_sha256)"
                    + " VALUES (?, ?, '1', 'ocsp', ?, ?, '', ?, ?, ?, ?, ?)",
                row.serial().octets(),
                statements.module(row.module()),
                row.authority(),
                row.commonName(),
                row.notBefore().getEpochSecond(),
                row.notAfter().getEpochSecond(),
                StateCode.of(LedgerEntry.State.INTENDED),
                tbsSha256,
                spkiSha256),
        tbs);
  }

  /** Notes that it was signed. */
  void signed(Blob serial) {
    ledger.outcome(serial.octets(), LedgerEntry.State.ISSUED);
  }

  /**
   * How a certificate stands.
   *
   * @param authority the row of the one that is said to have signed it
   * @param name its name, in DER
   */
  Standing standing(long authority, byte[] name, byte[] serial) throws IssuanceException {
    List<Standing> revoked =
        all(
            "SELECT revoked, reason FROM revocation WHERE serial = ? AND authority = ?",
            row ->
                new Standing.Revoked(
                    Instant.ofEpochSecond(row.getLong(1)), RevocationReason.of(row.getInt(2))),
            serial,
            authority);
    if (revoked.isEmpty()) {
      revoked =
          all(
              "SELECT revoked FROM revocation WHERE subject_authority = ?",
              row ->
                  new Standing.Revoked(
                      Instant.ofEpochSecond(row.getLong(1)), RevocationReason.CA_COMPROMISE),
              authority);
    }
    if (!revoked.isEmpty()) {
      return revoked.getFirst();
    }
    boolean known =
        !all(
                "SELECT 1 FROM certificate WHERE serial = ? AND authority = ?",
                row -> row.getInt(1),
                serial,
                authority)
            .isEmpty();
    return known || isAuthority(name, serial) ? new Standing.Good() : new Standing.Unknown();
  }

  /** Whether that is an authority whose certificate names that issuer. */
  private boolean isAuthority(byte[] issuer, byte[] serial) throws IssuanceException {
    return all(
            "SELECT certificate FROM authority WHERE serial = ? AND certificate IS NOT NULL",
            row -> AuthorityBuilder.parse(row.getBytes(1)),
            (Object) serial)
        .stream()
        .anyMatch(it -> Arrays.equals(it.getIssuerX500Principal().getEncoded(), issuer));
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
        row.getLong(9) <= covers.applyAsLong(row.getString(10) + "-" + row.getInt(11)));
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
