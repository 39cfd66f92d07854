package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
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
  record RevokedAuthority(long row, long by, Blob serial, Instant notAfter) {
    /**
     * @param over the one that signed its certificate
     */
    static RevokedAuthority of(StoredAuthority authority, StoredAuthority over) {
      return new RevokedAuthority(
          authority.row().row(),
          over.row().row(),
          new Blob(authority.certificate().getSerialNumber().toByteArray()),
          authority.certificate().getNotAfter().toInstant());
    }
  }

  /** A token that was revoked, and when no token of its block lives any more. */
  record RevokedToken(String id, Instant latestExpiry) {}

  /** A generation of a module that gets nothing. */
  record Denied(String module, String generation) {}

  private static final int MOST_SHOWN = 1000;

  /** So many rows of a module are looked at in one write: some 20 ms. */
  static final int A_WRITE = 2000;

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
            count += CrossLedger.revoke(statements, serial, order, now);
            // It may have gone to the archive since whoever asks looked: all or none.
            statements.requireOne("SELECT COUNT(*) FROM revocation WHERE serial = ?", serial);
          }
          fresh.set(count);
        })
        .thenApply(done -> fresh.get());
  }

  /**
   * Denies a module more, in one write, and then revokes all its certificates that end after a
   * moment, in as many writes as it takes: a module may have a million, and the rest of the service
   * waits for one write at a time. Where that is cut off, it is denied, and the next one goes on.
   *
   * @param generations that are denied
   * @return completes when all of it is on the disk, with how many were not revoked before
   */
  CompletableFuture<Long> revoke(
      Target.Module module,
      Set<String> generations,
      RevocationOrder order,
      Instant endAfter,
      Instant now) {
    AtomicLong before = new AtomicLong();
    AtomicLong last = new AtomicLong();
    return tables
        .writer()
        .conditional(statements -> {
          long number = statements.module(module.name());
          for (String generation : generations) {
            statements.change(
                DENY, number, generation, now.getEpochSecond(), order.administrator());
          }
          before.set(statements.number("SELECT COALESCE(MIN(id), 1) - 1 FROM certificate"));
          // What is recorded from now on is not signed, or of a generation that is not denied.
          last.set(statements.number("SELECT COALESCE(MAX(id), 0) FROM certificate"));
        })
        .thenCompose(done -> {
          ModuleRows rows = new ModuleRows(module, order, endAfter, now, last.get());
          return revoke(rows, before.get(), 0);
        });
  }

  /** What is revoked of a module's certificates, up to one of the table's rows. */
  private record ModuleRows(
      Target.Module module, RevocationOrder order, Instant endAfter, Instant now, long last) {}

  private CompletableFuture<Long> revoke(ModuleRows rows, long after, long freshBefore) {
    AtomicLong reached = new AtomicLong();
    AtomicLong fresh = new AtomicLong(freshBefore);
    return tables
        .writer()
        .conditional(statements -> {
          long number = statements.module(rows.module().name());
          reached.set(
              statements.number(
                  "SELECT COALESCE(MAX(id), ?1) FROM (SELECT id FROM certificate"
                      + " INDEXED BY certificate_module WHERE module = ?2 AND id > ?3 AND id <= ?1"
                      + " ORDER BY id LIMIT "
                      + A_WRITE
                      + ")",
                  rows.last(),
                  number,
                  after));
          fresh.set(
              freshBefore
                  + statements.change(
                      REVOKE
                          + " INDEXED BY certificate_module WHERE module = ? AND id > ? AND id <= ?"
                          + " AND not_after > ? AND (? = 0 OR generation = ?)",
                      rows.now().getEpochSecond(),
                      rows.order().reason().code(),
                      rows.order().invalidSince().map(Instant::getEpochSecond).orElse(NEVER),
                      rows.order().administrator(),
                      number,
                      after,
                      reached.get(),
                      rows.endAfter().getEpochSecond(),
                      rows.module().generation().isPresent() ? 1 : 0,
                      rows.module().generation().orElse("")));
        })
        .thenCompose(done ->
            reached.get() >= rows.last()
                ? CompletableFuture.completedFuture(fresh.get())
                : revoke(rows, reached.get(), fresh.get()));
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

  /**
   * Revokes authorities, all in one write.
   *
   * @param issuesToo also if one is the device CA that issues; otherwise nothing is written then
   */
  CompletableFuture<Long> revokeAuthorities(
      List<RevokedAuthority> authorities, RevocationOrder order, Instant now, boolean issuesToo) {
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
            if (!issuesToo) {
              // It may have taken over, or gone back to, since whoever asks looked.
              statements.requireCount(
                  "SELECT COUNT(*) FROM authority WHERE role = 'device' AND state = 'active'"
                      + " AND id = "
                      + authority.row(),
                  0);
            }
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

  /** The serial numbers of revoked certificates of roots for roots, of which there are few. */
  List<byte[]> revokedVouchers() throws IssuanceException {
    return tables.all(CrossLedger.REVOKED_SERIALS, row -> row.getBytes(1));
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
            // Its block may have gone to the archive since whoever asks looked: all or none.
            statements.requireOne("SELECT COUNT(*) FROM denied_token WHERE id = ?", id);
          }
          fresh.set(count);
        })
        .thenApply(done -> fresh.get());
  }

  /** Revokes tokens that were published as revoked. */
  CompletableFuture<@Nullable Void> adoptTokens(List<RevokedToken> tokens, Instant now) {
    return tables
        .writer()
        .conditional(statements -> {
          for (RevokedToken token : tokens) {
            statements.change(
                "INSERT OR IGNORE INTO denied_token(id, latest_expiry, revoked, administrator)"
                    + " VALUES (?, ?, ?, -1)",
                token.id(),
                token.latestExpiry().getEpochSecond(),
                now.getEpochSecond());
          }
        });
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

  /** The generations of a module that are denied. */
  Set<String> deniedGenerations(String module) throws IssuanceException {
    return new HashSet<>(
        tables.all(
            "SELECT d.generation FROM denied_module d JOIN module m ON m.id = d.module"
                + " WHERE m.name = ?",
            row -> row.getString(1),
            module));
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
