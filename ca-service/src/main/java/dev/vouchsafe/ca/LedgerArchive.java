package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.bouncycastle.asn1.ASN1String;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.sqlite.SQLiteErrorCode;

/**
 * The ledger's blocks of packed entries, and the way back out of them: by a clock that was ahead,
 * entries were packed that live by the right one, and what lives must be found, counted and revoked
 * like all the rest.
 */
final class LedgerArchive {
  /** A block with its number. */
  record Block(long id, List<LedgerEntry> entries) {}

  private static final System.Logger LOG = System.getLogger(LedgerArchive.class.getName());

  private static final Duration WRITE_WAITS = Duration.ofSeconds(10);

  /** An administrator waits on one of the few workers. */
  private static final Duration LONGEST = Duration.ofSeconds(5);

  private final LedgerWriter writer;
  private final LedgerReader reader;

  /** So that no two bring back one block. Who waits is next. */
  private final ReentrantLock bringing = new ReentrantLock(true);

  /** Blocks that can't be brought back, told once: all others are, without them. */
  private final Set<Long> unusable = new HashSet<>();

  private final AtomicLong brought = new AtomicLong();

  LedgerArchive(LedgerWriter writer, LedgerReader reader) {
    this.writer = writer;
    this.reader = reader;
  }

  /**
   * Part of a write: moves certificates from their table into the archive.
   *
   * @param rows as they are in the table; if one of them isn't, nothing is moved
   * @param packed the same as a block
   */
  static void pack(LedgerStatements ledger, List<LedgerThinning.Row> rows, byte[] packed)
      throws SQLException {
    byte[] first = serial(rows.getFirst().entry());
    byte[] last = first;
    long firstEnd = Long.MAX_VALUE;
    long lastEnd = Long.MIN_VALUE;
    for (LedgerThinning.Row row : rows) {
      byte[] serial = serial(row.entry());
      first = Arrays.compareUnsigned(serial, first) < 0 ? serial : first;
      last = Arrays.compareUnsigned(serial, last) > 0 ? serial : last;
      firstEnd = Math.min(firstEnd, row.entry().notAfter().getEpochSecond());
      lastEnd = Math.max(lastEnd, row.entry().notAfter().getEpochSecond());
    }
    // First they go, so that the block finds free pages.
    ledger.changeEach(
        "DELETE FROM certificate WHERE id = ? AND serial = ? AND state = ? AND NOT EXISTS"
            + " (SELECT 1 FROM revocation WHERE revocation.serial = certificate.serial)",
        rows,
        row -> List.of(row.id(), serial(row.entry()), StateCode.of(row.entry().state())));
    long id =
        ledger.insertReturning(
            "INSERT INTO archive(entries, first_serial, last_serial, first_end, last_end, packed,"
                + " listed) VALUES (?,?,?,?,?,?,1) RETURNING id",
            rows.size(),
            first,
            last,
            firstEnd,
            lastEnd,
            packed);
    ledger.changeEach(
        "INSERT INTO archive_entry(serial, block) VALUES (?, ?)",
        rows,
        row -> List.of(serial(row.entry()), id));
  }

  private static byte[] serial(LedgerEntry entry) {
    return Octets.unhex(entry.serial()).orElseThrow();
  }

  /**
   * Has everything that the archive holds and that ends after that moment stand among the
   * certificates again, when this returns.
   *
   * @throws IssuanceException {@link Reason#LEDGER_UNAVAILABLE} if that takes long: it is then
   *     under way, or there is no room for it
   */
  void bringBack(Instant now) throws IssuanceException {
    long end = System.nanoTime() + LONGEST.toNanos();
    while (bringBackBlock(now)) {
      if (System.nanoTime() - end > 0) {
        throw tooMuch();
      }
    }
  }

  /** The same for one block, and says whether there may be another. */
  boolean bringBackBlock(Instant now) throws IssuanceException {
    bringing.lock();
    try {
      // At least one that can be, if there is one.
      for (long id : reader.archivedAfter(now, unusable.size() + 1)) {
        if (bringBack(id, block -> true)) {
          return true;
        }
      }
      return false;
    } catch (SQLException e) {
      throw unreadable(e);
    } finally {
      bringing.unlock();
    }
  }

  /** How many blocks came back, or may have, since the start. */
  long brought() {
    return brought.get();
  }

  /** The same for the blocks that have certificates of that module. */
  void bringBack(Instant now, String module) throws IssuanceException {
    long end = System.nanoTime() + LONGEST.toNanos();
    bringing.lock();
    try {
      for (long id : reader.archivedAfter(now, Integer.MAX_VALUE)) {
        boolean _ =
            bringBack(
                id, block -> block.entries().stream().anyMatch(it -> it.module().equals(module)));
        if (System.nanoTime() - end > 0) {
          throw tooMuch();
        }
      }
    } catch (SQLException e) {
      throw unreadable(e);
    } finally {
      bringing.unlock();
    }
  }

  private static IssuanceException tooMuch() {
    return new IssuanceException(
        Reason.LEDGER_UNAVAILABLE,
        "certificates that live come back from the archive, where a clock that was ahead had"
            + " them packed: try again in a moment");
  }

  /** Brings that block back if it is wanted and can be, and says whether it did. */
  private boolean bringBack(long id, Predicate<Block> wanted)
      throws SQLException, IssuanceException {
    if (unusable.contains(id)) {
      return false;
    }
    try {
      Optional<Block> block = reader.archived(id);
      if (block.filter(wanted).isEmpty()) {
        return false;
      }
      for (LedgerEntry entry : block.get().entries()) {
        String _ = commonName(entry);
      }
      bringBack(block.get());
      return true;
    } catch (SQLException e) {
      if (e.getErrorCode() != 0
          && e.getErrorCode() != SQLiteErrorCode.SQLITE_CORRUPT.code
          && e.getErrorCode() != SQLiteErrorCode.SQLITE_CONSTRAINT.code) {
        // The disk, which may read it the next time.
        throw e;
      }
      passOver(id, e);
      return false;
    } catch (IssuanceException e) {
      if (!(e.getCause() instanceof IssuanceException told
          && told.getCause() instanceof LedgerStatements.Unmet unmet)) {
        throw e;
      }
      if (reader.archived(id).isEmpty()) {
        // By a write that nobody waited for any longer.
        return true;
      }
      passOver(id, unmet);
      return false;
    }
  }

  private void passOver(long id, SQLException why) {
    unusable.add(id);
    LOG.log(
        System.Logger.Level.ERROR,
        "block {0} of the ledger''s archive can''t be brought back, though a certificate in it may"
            + " live: what is in it can''t be revoked by its module''s name ({1})",
        Long.toString(id),
        why.getMessage());
  }

  /** The same for the block that has that certificate, whenever it ended. */
  void bringBack(byte[] serial) throws IssuanceException {
    bringing.lock();
    try {
      Optional<Block> block = reader.archived(serial);
      if (block.isPresent()) {
        bringBack(block.get());
      }
    } catch (SQLException e) {
      throw unreadable(e);
    } finally {
      bringing.unlock();
    }
  }

  private static IssuanceException unreadable(SQLException e) {
    return new IssuanceException(Reason.LEDGER_UNAVAILABLE, "the archive can't be read", e);
  }

  private void bringBack(Block block) throws IssuanceException {
    brought.incrementAndGet();
    KeyLedger.await(writer.conditional(ledger -> bringBack(ledger, block)), WRITE_WAITS);
  }

  private static void bringBack(LedgerStatements ledger, Block block) throws SQLException {
    ledger.changeOne("DELETE FROM archive WHERE id = ?", block.id());
    for (LedgerEntry entry : block.entries()) {
      // None for a block of an older release.
      int _ = ledger.change("DELETE FROM archive_entry WHERE serial = ?", serial(entry));
    }
    // Numbered below all others, the newest last: they were recorded before those.
    ledger.changeEach(
        "INSERT INTO certificate(id, serial, module, generation, profile, authority, common_name,"
            + " names, not_before, not_after, state, tbs_sha256, spki_sha256)"
            + " SELECT COALESCE((SELECT MIN(id) FROM certificate), 1) - 1, ?, ?, ?, ?, id, ?, ?,"
            + " ?, ?, ?, ?, x'' FROM authority WHERE role || '-' || generation = ?",
        block.entries().reversed(),
        entry ->
            List.of(
                serial(entry),
                ledger.module(entry.module()),
                entry.generation(),
                entry.profile(),
                commonName(entry),
                String.join(" ", entry.names()),
                entry.notBefore().getEpochSecond(),
                entry.notAfter().getEpochSecond(),
                StateCode.of(entry.state()),
                Octets.unhex(entry.tbsSha256()).orElseThrow(),
                entry.authority()));
  }

  /** The text in the subject, which has nothing else. */
  private static String commonName(LedgerEntry entry) throws SQLException {
    try {
      return ((ASN1String)
              new X500Name(BCStyle.INSTANCE, entry.subject())
                  .getRDNs(BCStyle.CN)[0]
                  .getFirst()
                  .getValue())
          .getString();
    } catch (IllegalArgumentException | IndexOutOfBoundsException | ClassCastException e) {
      throw new SQLException(
          "a block of the archive has a subject that is none",
          null,
          SQLiteErrorCode.SQLITE_CONSTRAINT.code,
          e);
    }
  }
}
