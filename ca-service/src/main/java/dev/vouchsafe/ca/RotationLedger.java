package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.security.cert.CertificateException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * The ledger's journal of steps in the life of authorities, and what lives under each authority.
 *
 * <p>A step is in the journal before anything of it is done, and is noted as done in the very
 * transaction that changes states. So what a start finds begun was cut off, and is undone.
 */
final class RotationLedger {
  /**
   * Living certificates that one authority signed.
   *
   * @param authority its number in the ledger
   * @param count how many
   * @param lastEnd when the last of them ends
   */
  record Living(long authority, long count, Instant lastEnd) {}

  /**
   * All that lives.
   *
   * @param counts by the authority that signed it
   * @param issuing the issuing CAs that signed any of it, and the newest ones
   */
  record AllLiving(List<Living> counts, List<StoredAuthority> issuing) {}

  /** The same of one module. */
  record LivingModule(String module, long count, Instant lastEnd) {}

  private static final Duration WAITS = Duration.ofSeconds(10);

  /** Steps are rare, but one that fails again and again must not fill the disk. */
  private static final int MOST_EVENTS = 1000;

  /** Nobody's failures push out what was done. */
  private static final int MOST_DONE = 10_000;

  /** Those that may have signed nothing yet, and can. */
  private static final int NEWEST_ISSUING = 64;

  private final LedgerWriter writer;
  private final LedgerReader reader;
  private final LedgerArchive archive;

  RotationLedger(LedgerWriter writer, LedgerReader reader, LedgerArchive archive) {
    this.archive = archive;
    this.writer = writer;
    this.reader = reader;
  }

  /**
   * Notes durably that a step begins.
   *
   * @param authority its id; empty for one that is yet to be made
   * @param longest how long the disk is waited for
   * @return the number of the entry
   */
  long begin(
      Role role, RotationStep step, String authority, String by, Instant at, Duration longest)
      throws IssuanceException {
    AtomicLong number = new AtomicLong();
    CompletableFuture<?> written =
        writer.durable(ledger -> {
          number.set(
              ledger.insertReturning(
                  "INSERT INTO rotation_step(at, role, authority, step, actor, above, outcome)"
                      + " SELECT ?, ?, ?, ?, ?, COALESCE(MAX(id), 0), 'begun' FROM authority"
                      + " RETURNING id",
                  at.getEpochSecond(),
                  word(role),
                  authority,
                  word(step),
                  by));
          ledger.change(
              "DELETE FROM rotation_step WHERE id <= ? AND outcome <> 'done' OR id <= ?",
              number.get() - MOST_EVENTS,
              number.get() - MOST_DONE);
        });
    boolean begun = false;
    try {
      KeyLedger.await(written, longest);
      begun = true;
      return number.get();
    } finally {
      if (!begun) {
        // A disk that was slow may write it yet, and then nothing of it is done.
        var _ = written.thenRun(() -> failed(number.get()));
      }
    }
  }

  /** Notes durably that a step is done, which changed no state. */
  void done(long number, String authority) throws IssuanceException {
    KeyLedger.await(writer.conditional(ledger -> done(ledger, number, authority)), WAITS);
  }

  static void done(LedgerStatements ledger, long number, String authority) throws SQLException {
    ledger.changeOne(
        "UPDATE rotation_step SET outcome = 'done', authority = ? WHERE id = ? AND outcome ="
            + " 'begun'",
        authority,
        number);
  }

  /** Notes that a step was not done. */
  void failed(long number) {
    writer.note(ledger ->
        ledger.change(
            "UPDATE rotation_step SET outcome = 'failed' WHERE id = ? AND outcome = 'begun'",
            number));
  }

  /** The same of one that a slow disk may have noted as done, and whose work was given up since. */
  void undone(long number) {
    writer.note(ledger ->
        ledger.change("UPDATE rotation_step SET outcome = 'failed' WHERE id = ?", number));
  }

  /** What else is written with a step of most kinds. */
  static final LedgerQueue.Write NOTHING_MORE = ledger -> {};

  /** {@link #move(long, String, Map, Optional, LedgerQueue.Write)} with nothing more. */
  CompletableFuture<?> move(
      long number, String authority, Map<AuthorityRow, State> changes, Optional<SealedAnew> anew) {
    return move(number, authority, changes, anew, NOTHING_MORE);
  }

  /**
   * Takes a step: authorities come into other states and, if the store that seals changes with it,
   * what it sealed is put in the place of what the other did. All or nothing.
   *
   * @param number of the step in the journal, which is noted as done
   * @param authority id of the authority that it is about
   * @param changes each authority, as it must stand, and the state that it comes into
   * @param anew everything that is sealed; if the ledger has more than that, nothing is changed
   * @param also what else is written with it
   */
  CompletableFuture<?> move(
      long number,
      String authority,
      Map<AuthorityRow, State> changes,
      Optional<SealedAnew> anew,
      LedgerQueue.Write also) {
    return writer.conditional(ledger -> {
      for (Map.Entry<AuthorityRow, State> change : changes.entrySet()) {
        if (change.getValue() == State.ACTIVE) {
          // It may have been revoked since whoever takes the step looked.
          ledger.requireCount(
              "SELECT COUNT(*) FROM revocation WHERE subject_authority = " + change.getKey().row(),
              0);
        }
        ledger.changeOne(
            "UPDATE authority SET state = ? WHERE id = ? AND state = ?",
            AuthorityRow.text(change.getValue()),
            change.getKey().row(),
            change.getKey().stateText());
      }
      if (changes.entrySet().stream().anyMatch(RotationLedger::takesOver)) {
        Ledger.retireIssuing(ledger);
      }
      if (anew.isPresent()) {
        KeyLedger.replace(ledger, anew.get());
      }
      also.to(ledger);
      done(ledger, number, authority);
    });
  }

  private static boolean takesOver(Map.Entry<AuthorityRow, State> change) {
    return change.getKey().role() == Role.DEVICE && change.getValue() == State.ACTIVE;
  }

  /**
   * Undoes what a process before this one began to prepare and did not finish. Part of the write
   * with which a start settles what it finds. Steps are taken one at a time: what one of them made
   * has numbers above those that there were when it began, up to those that there were when the
   * next one did.
   */
  static void settle(LedgerStatements ledger) throws SQLException {
    ledger.change(
        "UPDATE authority SET state = 'retired' WHERE state = 'prepared' AND role <> 'issuing'"
            + " AND EXISTS (SELECT 1 FROM rotation_step s"
            + " WHERE s.outcome = 'begun' AND s.step = 'prepare' AND authority.id > s.above"
            + " AND NOT EXISTS (SELECT 1 FROM rotation_step n"
            + " WHERE n.id > s.id AND n.above < authority.id))");
    ledger.change("UPDATE rotation_step SET outcome = 'interrupted' WHERE outcome = 'begun'");
  }

  /** Whether that authority is revoked as a whole. */
  boolean isRevoked(AuthorityRow authority) throws IssuanceException {
    return !read(
            "SELECT id FROM revocation WHERE subject_authority = " + authority.row(),
            row -> row.getLong(1))
        .isEmpty();
  }

  /** Whether somebody went back from that authority, or gave it up before it was active. */
  boolean wasGivenUp(String id) throws IssuanceException {
    return events(" WHERE step = 'abort' AND outcome = 'done'", MOST_DONE).stream()
        .anyMatch(it -> it.authority().equals(id));
  }

  /** The latest steps, the newest first. */
  List<RotationEvent> journal(int most) throws IssuanceException {
    return events("", most);
  }

  private List<RotationEvent> events(String which, int most) throws IssuanceException {
    return read(
        "SELECT at, role, authority, step, actor, outcome FROM rotation_step"
            + which
            + " ORDER BY id DESC LIMIT "
            + most,
        row ->
            new RotationEvent(
                Instant.ofEpochSecond(row.getLong(1)),
                Role.valueOf(upper(row, 2)),
                row.getString(3),
                RotationStep.valueOf(upper(row, 4)),
                row.getString(5),
                RotationEvent.Outcome.valueOf(upper(row, 6))));
  }

  /** What lives under each authority. What failed was not signed. */
  AllLiving living(Instant now) throws IssuanceException {
    archive.bringBack(now);
    List<Living> counts =
        read(
            "SELECT authority, COUNT(*), MAX(not_after) FROM certificate WHERE "
                + living("", now)
                + " GROUP BY authority",
            row ->
                new Living(row.getLong(1), row.getLong(2), Instant.ofEpochSecond(row.getLong(3))));
    String among =
        counts.stream().map(it -> String.valueOf(it.authority())).collect(Collectors.joining(","));
    // However many there are: a service that is restarted all day makes one at each start.
    return new AllLiving(
        counts,
        read(
            LedgerReader.AUTHORITIES
                + " WHERE role = 'issuing' AND certificate IS NOT NULL AND state <> 'prepared'"
                + " AND (id IN ("
                + among
                + ") OR id IN (SELECT id FROM authority WHERE role = 'issuing' ORDER BY id DESC"
                + " LIMIT "
                + NEWEST_ISSUING
                + "))",
            RotationLedger::issuing));
  }

  private static StoredAuthority issuing(ResultSet row) throws SQLException {
    try {
      return LedgerReader.authority(row, List.of());
    } catch (CertificateException e) {
      throw new SQLException("the certificate of an authority is damaged", e);
    }
  }

  /**
   * The step by which a person gave a device CA up, if nothing was done with a device CA since, nor
   * has one taken over with its root: until somebody takes another step, the service leaves it at
   * that.
   */
  Optional<RotationEvent> givenUp() throws IssuanceException {
    return events(
            " WHERE outcome = 'done' AND (role = 'device'"
                + " AND step IN ('prepare', 'activate', 'abort')"
                + " OR role = 'root' AND step = 'activate')",
            1)
        .stream()
        .filter(it -> it.step() == RotationStep.ABORT)
        .filter(it -> !it.by().equals(AuthorityChanges.AUTOMATIC))
        .findFirst();
  }

  /** The modules with the most living certificates of those authorities. */
  List<LivingModule> modules(Collection<Long> authorities, Instant now, int most)
      throws IssuanceException {
    String among = authorities.stream().map(String::valueOf).collect(Collectors.joining(","));
    return read(
        "SELECT m.name, COUNT(*) AS many, MAX(c.not_after) FROM certificate c"
            // Else it goes through all that there ever were, to have them by module.
            + " INDEXED BY certificate_end JOIN module m ON m.id = c.module WHERE c.authority IN ("
            + among
            + ") AND "
            + living("c.", now)
            + " GROUP BY c.module ORDER BY many DESC, m.name LIMIT "
            + most,
        row ->
            new LivingModule(
                row.getString(1), row.getLong(2), Instant.ofEpochSecond(row.getLong(3))));
  }

  private static String living(String table, Instant now) {
    return table
        + "not_after > "
        + now.getEpochSecond()
        + " AND "
        + table
        + "state <> "
        + StateCode.of(LedgerEntry.State.FAILED);
  }

  private <T> List<T> read(String sql, LedgerReader.RowReader<T> row) throws IssuanceException {
    try {
      return reader.all(sql, row);
    } catch (SQLException | IllegalArgumentException e) {
      throw new IssuanceException(Reason.LEDGER_UNAVAILABLE, "the ledger can't be read", e);
    }
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static String upper(ResultSet row, int column) throws SQLException {
    return row.getString(column).toUpperCase(Locale.ROOT);
  }
}
