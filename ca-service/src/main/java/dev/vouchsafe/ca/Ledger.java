package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The durable record of what was, or may have been, issued: the file {@code ca.db}. */
final class Ledger implements AutoCloseable {
  /**
   * Proof that an intent is on the disk, and the octets that it is about. Only the ledger makes
   * one, after the commit; it is worth one signature over just those octets.
   */
  static final class DurableIntent {
    private final AtomicReference<byte @Nullable []> tbs;

    private DurableIntent(byte[] tbs) {
      this.tbs = new AtomicReference<>(tbs);
    }

    /** The octets to sign, the first time; afterwards an {@link IllegalStateException}. */
    byte[] redeem() {
      byte[] octets = tbs.getAndSet(null);
      if (octets == null) {
        throw new IllegalStateException("this intent was used already");
      }
      return octets;
    }
  }

  private static final long READ_WAITS_SECONDS = 2;

  /** Authorities are made rarely, and nobody's request waits for one. */
  private static final Duration AUTHORITY_WAITS = Duration.ofSeconds(10);

  private final LedgerLock lock;
  private final LedgerWriter writer;
  private final LedgerReader reader;
  private final LedgerBudget budget;
  private final GapLedger gaps;
  private final LedgerArchive archive;
  private volatile @Nullable LedgerThinning thinning;
  private final Path file;

  private Ledger(
      LedgerLock lock, LedgerWriter writer, LedgerReader reader, LedgerBudget budget, Path file)
      throws IOException {
    this.gaps = new GapLedger(writer, reader);
    this.archive = new LedgerArchive(writer, reader);
    this.budget = budget;
    this.lock = lock;
    this.file = file;
    this.writer = writer;
    this.reader = reader;
  }

  /**
   * Makes an empty ledger and opens it.
   *
   * @throws IOException if there is one already, or the folder can't be written
   */
  static Ledger create(Path folder) throws IOException {
    LedgerLock lock = LedgerLock.take(folder);
    try {
      LedgerSchema.create(folder);
      return open(folder, LedgerSchema::connect, LedgerBudget.of(LedgerSettings.STANDARD), lock);
    } catch (IOException e) {
      lock.close();
      throw e;
    }
  }

  /**
   * Opens the ledger.
   *
   * @throws IOException if it isn't there, is of another version, damaged, or in use
   */
  static Ledger open(Path folder) throws IOException {
    return open(folder, LedgerSchema::connect);
  }

  /** The same, within its limits. */
  static Ledger open(Path folder, LedgerSettings settings) throws IOException {
    return open(folder, LedgerSchema::connect, LedgerBudget.of(settings));
  }

  static Ledger open(Path folder, LedgerSchema.Connector connector) throws IOException {
    return open(folder, connector, LedgerBudget.of(LedgerSettings.STANDARD));
  }

  static Ledger open(Path folder, LedgerSchema.Connector connector, LedgerBudget budget)
      throws IOException {
    LedgerSchema.requireFile(folder);
    LedgerLock lock = LedgerLock.take(folder);
    try {
      LedgerSchema.checkAndUpdate(folder, connector);
      return open(folder, connector, budget, lock);
    } catch (IOException e) {
      lock.close();
      throw e;
    }
  }

  private static Ledger open(
      Path folder, LedgerSchema.Connector connector, LedgerBudget budget, LedgerLock lock)
      throws IOException {
    Path file = folder.resolve(LedgerSchema.FILE);
    LedgerReader reader = new LedgerReader(file);
    LedgerWriter writer;
    try {
      writer = new LedgerWriter(file, connector, budget);
    } catch (IOException e) {
      reader.close();
      throw e;
    }
    try {
      return new Ledger(lock, writer, reader, budget, file);
    } catch (IOException e) {
      writer.close();
      reader.close();
      throw e;
    }
  }

  /**
   * Records that a leaf is about to be signed.
   *
   * @return completes on the ledger's thread, exceptionally with {@link Reason#LEDGER_UNAVAILABLE}
   */
  CompletableFuture<DurableIntent> record(LeafIntent leaf) {
    if (gaps.isOpen()) {
      return CompletableFuture.failedFuture(GapLedger.refusal());
    }
    if (budget.isFull() && !leaf.isOwn()) {
      return CompletableFuture.failedFuture(
          new IssuanceException(
              Reason.LEDGER_UNAVAILABLE, "the ledger has reached [limits] ledger-mb"));
    }
    budget.count();
    byte[] tbsSha256 = Octets.sha256(leaf.tbs());
    return writer
        .durable(ledger -> ledger.insert(leaf, tbsSha256))
        .thenApply(committed -> new DurableIntent(leaf.tbs()));
  }

  /**
   * Begins to pack what ended long ago, until this is closed.
   *
   * @return what does it
   */
  LedgerThinning thin(LedgerSettings settings, TrustedClock clock) {
    LedgerThinning begun = thinning(settings, clock);
    thinning = begun;
    begun.start();
    return begun;
  }

  /** The same, not begun. */
  LedgerThinning thinning(LedgerSettings settings, TrustedClock clock) {
    return new LedgerThinning(reader, writer, archive, budget, settings, clock);
  }

  /** Whether modules' certificates can't be recorded now, so that no work on one is worth it. */
  boolean isFull() {
    return budget.isFull();
  }

  LedgerStatus status() {
    LedgerThinning present = thinning;
    return budget.status(present == null ? 0 : present.archived());
  }

  /** Says that somebody is about to record, so that the next commit may wait a moment for it. */
  void announce() {
    writer.announce();
  }

  /** Takes back one {@link #announce}, after recording or in place of it. */
  void retract() {
    writer.retract();
  }

  /** Notes how far a recorded leaf came. */
  void outcome(byte[] serial, LedgerEntry.State state) {
    writer.note(ledger -> ledger.update(serial, state));
  }

  /**
   * Gives a new authority its number and generation, which no other ever gets, whatever becomes of
   * this one: so no key is ever made under a label that may be taken.
   */
  AuthorityRow reserve(NewAuthority wanted, byte[] serial) throws IssuanceException {
    AtomicReference<@Nullable AuthorityRow> row = new AtomicReference<>();
    KeyLedger.await(
        writer.durable(ledger -> row.set(ledger.reserve(wanted, serial))), AUTHORITY_WAITS);
    return Objects.requireNonNull(row.get(), "the write was done");
  }

  /**
   * Records that the certificate of a reserved authority is about to be signed.
   *
   * @param issuer who signs it; nobody else, if it signs itself
   */
  DurableIntent record(AuthorityRow authority, Optional<AuthorityRow> issuer, byte[] tbs)
      throws IssuanceException {
    byte[] tbsSha256 = Octets.sha256(tbs);
    KeyLedger.await(
        writer.conditional(ledger -> {
          ledger.changeOne(
              "UPDATE authority SET tbs_sha256 = ? WHERE id = ? AND tbs_sha256 = x''",
              tbsSha256,
              authority.row());
          if (issuer.isPresent()) {
            AuthorityIssuers.insert(ledger, authority.row(), issuer.get().row());
          }
        }),
        AUTHORITY_WAITS);
    return new DurableIntent(tbs);
  }

  /**
   * Records that one root is about to vouch for another's key.
   *
   * @param serial of the certificate
   * @param notAfter its end
   */
  DurableIntent recordCross(
      AuthorityRow subject, AuthorityRow issuer, byte[] serial, byte[] tbs, Instant notAfter)
      throws IssuanceException {
    byte[] tbsSha256 = Octets.sha256(tbs);
    KeyLedger.await(
        writer.conditional(
            ledger -> CrossLedger.insert(ledger, subject, issuer, serial, tbsSha256, notAfter)),
        AUTHORITY_WAITS);
    return new DurableIntent(tbs);
  }

  /** Keeps such a certificate that was recorded. */
  void storeCross(byte[] serial, byte[] certificate) throws IssuanceException {
    KeyLedger.await(
        writer.conditional(ledger ->
            ledger.changeOne(
                "UPDATE cross_certificate SET certificate = ? WHERE serial = ? AND certificate IS"
                    + " NULL",
                certificate,
                serial)),
        AUTHORITY_WAITS);
  }

  List<LedgerReader.StoredCross> crosses() throws IOException {
    return reader.crosses();
  }

  /** Keeps the certificate of an authority that was recorded. */
  void store(AuthorityRow authority, byte[] certificate) throws IssuanceException {
    KeyLedger.await(
        writer.conditional(ledger ->
            ledger.changeOne(
                "UPDATE authority SET certificate = ? WHERE id = ? AND certificate IS NULL",
                certificate,
                authority.row())),
        AUTHORITY_WAITS);
  }

  /** The part of it that is about authorities which others certify. */
  OutsideLedger outside() {
    return new OutsideLedger(writer, reader);
  }

  private static void change(
      LedgerStatements ledger, AuthorityRow authority, AuthorityInfo.State state)
      throws SQLException {
    ledger.changeOne(
        "UPDATE authority SET state = ? WHERE id = ? AND state = ?",
        AuthorityRow.text(state),
        authority.row(),
        authority.stateText());
  }

  /**
   * Lets an issuing CA take over from those before it, if that device CA is the one that issues.
   * Which of them have ended is not written: a clock that jumps would end them for good.
   */
  void replaceIssuing(AuthorityRow device, AuthorityRow taking) throws IssuanceException {
    KeyLedger.await(
        writer.conditional(ledger -> {
          ledger.requireCount(
              "SELECT COUNT(*) FROM authority WHERE state = 'active' AND id = " + device.row(), 1);
          retireIssuing(ledger);
          change(ledger, taking, AuthorityInfo.State.ACTIVE);
        }),
        AUTHORITY_WAITS);
  }

  static void retireIssuing(LedgerStatements ledger) throws SQLException {
    ledger.change(
        "UPDATE authority SET state = 'retiring' WHERE role = 'issuing' AND state = 'active'");
  }

  /** Notes that an authority that was being prepared will not be. */
  void giveUp(AuthorityRow authority) {
    writer.note(ledger ->
        ledger.change(
            "UPDATE authority SET state = 'retired' WHERE id = ? AND state = 'prepared'",
            authority.row()));
  }

  /** Counts the certificates that have not ended. */
  void living(Instant now, LiveCertificates into) throws IOException {
    try {
      archive.bringBack(now);
    } catch (IssuanceException e) {
      // They come back in time, and a limit that is generous meanwhile keeps nobody from starting.
      System.getLogger(Ledger.class.getName())
          .log(System.Logger.Level.WARNING, String.valueOf(e.getMessage()));
    }
    reader.living(now, into);
  }

  /**
   * Gives up the authorities whose making was cut off, and those whose key went with the process
   * before this one: their generations are used up.
   */
  void settle() {
    writer.note(ledger -> {
      RotationLedger.settle(ledger);
      retireIssuing(ledger);
      ledger.change(
          "UPDATE authority SET state = 'retired' WHERE state = 'prepared'"
              + " AND (certificate IS NULL OR role = 'issuing')"
              + " AND id NOT IN (SELECT authority FROM authority_request)");
    });
    awaitNotes();
  }

  List<LedgerReader.StoredAuthority> authorities() throws IOException {
    return reader.authorities();
  }

  LedgerPage page(LedgerQuery query) throws IssuanceException {
    awaitNotes();
    try {
      return reader.page(query);
    } catch (SQLException e) {
      throw unreadable(e);
    }
  }

  Optional<LedgerEntry> find(byte[] serial) throws IssuanceException {
    awaitNotes();
    try {
      return reader.bySerial(serial);
    } catch (SQLException e) {
      throw unreadable(e);
    }
  }

  /** A reader sees what was noted before it asked; if the disk is full, it reads what there is. */
  private void awaitNotes() {
    try {
      writer.visible().get(READ_WAITS_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      System.getLogger(Ledger.class.getName())
          .log(System.Logger.Level.DEBUG, "read without the last notes: {0}", e.getMessage());
    }
  }

  /**
   * Records by that write that something which is no certificate is about to be signed.
   *
   * @param tbs the octets to sign
   */
  DurableIntent record(LedgerQueue.Write write, byte[] tbs) throws IssuanceException {
    KeyLedger.await(writer.conditional(write), AUTHORITY_WAITS);
    return new DurableIntent(tbs);
  }

  /**
   * The part of it that is about revocations.
   *
   * @throws IOException if the file can't be read
   */
  RevocationTables revocations() throws IOException {
    return new RevocationTables(this, writer, file);
  }

  /** What it holds in packed blocks. */
  LedgerArchive archive() {
    return archive;
  }

  /** The part of it that is about what a backup did not know. */
  GapLedger gaps() {
    return gaps;
  }

  /** Copies the database as it is now into a new file, beside the work of the rest. */
  void copy(Path target) throws IOException {
    LedgerCopy.write(file, target);
  }

  /** The part of it that is about tokens and the modules' keys. */
  KeyLedger keys() {
    return new KeyLedger(writer, reader, budget);
  }

  /** The part of it that is about the steps in the life of authorities. */
  RotationLedger rotation() {
    return new RotationLedger(writer, reader, archive);
  }

  private static IssuanceException unreadable(SQLException e) {
    return new IssuanceException(Reason.LEDGER_UNAVAILABLE, "the ledger can't be read", e);
  }

  /**
   * Writes what waits, synced, and lets go of the files. The lock stays with this process if the
   * disk doesn't answer: something may still be written.
   */
  @Override
  public void close() {
    LedgerThinning present = thinning;
    if (present != null) {
      present.close();
    }
    writer.close();
    reader.close();
    if (writer.hasEnded()) {
      lock.close();
    }
  }
}
