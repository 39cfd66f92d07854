package dev.vouchsafe.ca;

import dev.vouchsafe.ca.RevocationOrder.Target;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** The ledger's tables of what was revoked, and of who is denied more. */
final class RevocationLedger {
  /**
   * An authority that is to be revoked.
   *
   * @param row its row
   * @param by the row of the one over it
   */
  record RevokedAuthority(long row, long by, Blob serial, Instant notAfter) {}

  /** A token that was revoked, and when no token of its block lives any more. */
  record RevokedToken(String id, Instant latestExpiry) {}

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

  private final RevocationTables tables;

  RevocationLedger(RevocationTables tables) {
    this.tables = tables;
  }

  /**
   * Revokes certificates of these serials.
   *
   * @return completes when it is on the disk, with how many were not revoked before
   */
  CompletableFuture<Long> revoke(List<byte[]> serials, RevocationOrder order, Instant now) {
    AtomicLong fresh = new AtomicLong();
    return tables
        .writer()
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
    return tables
        .writer()
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
    return tables
        .writer()
        .conditional(statements -> {
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
    return tables
        .writer()
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
        tables.all(
            "SELECT subject_authority FROM revocation WHERE subject_authority IS NOT NULL",
            row -> row.getLong(1)));
  }

  /** How those authorities were revoked. */
  List<RevokedCertificate> ofAuthority(long row, ToLongFunction<String> covers)
      throws IssuanceException {
    return tables.all(
        REVOKED + "WHERE r.subject_authority = ? ORDER BY r.id", it -> revoked(it, covers), row);
  }

  /** Revokes tokens of these ids, which are well-formed and known. */
  CompletableFuture<Long> revokeTokens(List<String> ids, Instant now, long administrator) {
    AtomicLong fresh = new AtomicLong();
    return tables
        .writer()
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
    return !tables
        .all(
            "SELECT 1 FROM token_block WHERE prefix = ?", row -> row.getInt(1), (Object) prefix(id))
        .isEmpty();
  }

  List<RevokedToken> revokedTokens() throws IssuanceException {
    return tables.all(
        "SELECT id, latest_expiry FROM denied_token ORDER BY id",
        row -> new RevokedToken(row.getString(1), Instant.ofEpochSecond(row.getLong(2))));
  }

  /** All that is denied. */
  List<Denied> denied() throws IssuanceException {
    return tables.all(
        "SELECT m.name, d.generation FROM denied_module d JOIN module m ON m.id = d.module",
        row -> new Denied(row.getString(1), row.getString(2)));
  }

  /** The generations of a module that have certificates which end after that. */
  Set<String> generations(String module, Instant endAfter) throws IssuanceException {
    return new HashSet<>(
        tables.all(
            "SELECT DISTINCT generation FROM certificate WHERE not_after > ?"
                + " AND module = (SELECT id FROM module WHERE name = ?)",
            row -> row.getString(1),
            endAfter.getEpochSecond(),
            module));
  }

  /** Whether anything was ever issued to that module. */
  boolean knows(String module) throws IssuanceException {
    return !tables
        .all(
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
        tables.all(REVOKED + "WHERE r.serial = ?", row -> revoked(row, covers), (Object) serial);
    return own.isEmpty() ? withAuthority(serial, covers) : Optional.of(own.getFirst());
  }

  /** The same for one whose authority was revoked as a whole. */
  private Optional<RevokedCertificate> withAuthority(byte[] serial, ToLongFunction<String> covers)
      throws IssuanceException {
    return tables.all(WITH_AUTHORITY, row -> revoked(row, covers), (Object) serial).stream()
        .findFirst();
  }

  /** Which of these serials are revoked themselves, in hex. */
  Set<String> among(List<String> serials) throws IssuanceException {
    if (serials.isEmpty()) {
      return Set.of();
    }
    Object[] values = serials.stream().map(it -> Octets.unhex(it).orElseThrow()).toArray();
    String marks = "?, ".repeat(values.length - 1) + "?";
    return new HashSet<>(
        tables.all(
            "SELECT serial FROM revocation WHERE serial IN (" + marks + ")",
            row -> Octets.hex(row.getBytes(1)),
            values));
  }

  /** Those of a module that end after that, the newest first, and not all if they are very many. */
  List<RevokedCertificate> ofModule(
      Target.Module module, Instant endAfter, ToLongFunction<String> covers)
      throws IssuanceException {
    return tables.all(
        REVOKED + "WHERE m.name = ? AND r.not_after > ? ORDER BY r.id DESC LIMIT " + MOST_SHOWN,
        row -> revoked(row, covers),
        module.name(),
        endAfter.getEpochSecond());
  }

  /** How many of a module end after that. */
  long countOfModule(String module, Instant endAfter) throws IssuanceException {
    return tables
        .all(
            "SELECT COUNT(*) FROM revocation WHERE not_after > ?"
                + " AND module = (SELECT id FROM module WHERE name = ?)",
            row -> row.getLong(1),
            endAfter.getEpochSecond(),
            module)
        .getFirst();
  }

  /** How many there are that end after that. */
  long living(Instant now) throws IssuanceException {
    return tables
        .all(
            "SELECT COUNT(*) FROM revocation WHERE not_after > ?",
            row -> row.getLong(1),
            now.getEpochSecond())
        .getFirst();
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
        RevocationTables.instant(row, 8),
        row.getLong(9) <= covers.applyAsLong(row.getString(10) + "-" + row.getInt(11)));
  }
}
