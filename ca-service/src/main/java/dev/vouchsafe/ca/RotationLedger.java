package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
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

  /** The same of one module. */
  record LivingModule(String module, long count, Instant lastEnd) {}

  private static final Duration WAITS = Duration.ofSeconds(10);

  /** Steps are rare, but one that fails again and again must not fill the disk. */
  private static final int MOST_EVENTS = 1000;

  private final LedgerWriter writer;
  private final LedgerReader reader;

  RotationLedger(LedgerWriter writer, LedgerReader reader) {
    this.writer = writer;
    this.reader = reader;
  }

  /**
   * Notes durably that a step begins.
   *
   * @param authority its id; empty for one that is yet to be made
   * @return the number of the entry
   */
  long begin(Role role, RotationStep step, String authority, String by, Instant at)
      throws IssuanceException {
    AtomicLong number = new AtomicLong();
    KeyLedger.await(
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
          ledger.change("DELETE FROM rotation_step WHERE id <= ?", number.get() - MOST_EVENTS);
        }),
        WAITS);
    return number.get();
  }

  /** Notes durably that a step is done, which changed no state. */
  void done(long number, String authority) throws IssuanceException {
    KeyLedger.await(writer.conditional(ledger -> done(ledger, number, authority)), WAITS);
  }

  private static void done(LedgerStatements ledger, long number, String authority)
      throws SQLException {
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

  /**
   * Takes a step: authorities come into other states and, if the store that seals changes with it,
   * what it sealed is put in the place of what the other did. All or nothing.
   *
   * @param number of the step in the journal, which is noted as done
   * @param authority id of the authority that it is about
   * @param changes each authority, as it must stand, and the state that it comes into
   * @param anew everything that is sealed; if the ledger has more than that, nothing is changed
   */
  CompletableFuture<?> move(
      long number, String authority, Map<AuthorityRow, State> changes, Optional<SealedAnew> anew) {
    return writer.conditional(ledger -> {
      for (Map.Entry<AuthorityRow, State> change : changes.entrySet()) {
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
      done(ledger, number, authority);
    });
  }

  private static boolean takesOver(Map.Entry<AuthorityRow, State> change) {
    return change.getKey().role() == Role.DEVICE && change.getValue() == State.ACTIVE;
  }

  /**
   * Undoes what a process before this one began to prepare and did not finish. Part of the write
   * with which a start settles what it finds.
   */
  static void settle(LedgerStatements ledger) throws SQLException {
    ledger.change(
        "UPDATE authority SET state = 'retired' WHERE state = 'prepared' AND role <> 'issuing'"
            + " AND id > (SELECT MAX(above) FROM rotation_step"
            + " WHERE outcome = 'begun' AND step = 'prepare')");
    ledger.change("UPDATE rotation_step SET outcome = 'interrupted' WHERE outcome = 'begun'");
  }

  /** Whether that authority is revoked as a whole. */
  boolean isRevoked(AuthorityRow authority) throws IssuanceException {
    return !read(
            "SELECT id FROM revocation WHERE subject_authority = " + authority.row(),
            row -> row.getLong(1))
        .isEmpty();
  }

  /** The latest steps, the newest first. */
  List<RotationEvent> journal(int most) throws IssuanceException {
    return read(
        "SELECT at, role, authority, step, actor, outcome FROM rotation_step ORDER BY id DESC LIMIT "
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
  List<Living> living(Instant now) throws IssuanceException {
    return read(
        "SELECT authority, COUNT(*), MAX(not_after) FROM certificate WHERE "
            + living("", now)
            + " GROUP BY authority",
        row -> new Living(row.getLong(1), row.getLong(2), Instant.ofEpochSecond(row.getLong(3))));
  }

  /** The modules with the most living certificates of those authorities. */
  List<LivingModule> modules(Collection<Long> authorities, Instant now, int most)
      throws IssuanceException {
    String among = authorities.stream().map(String::valueOf).collect(Collectors.joining(","));
    return read(
        "SELECT m.name, COUNT(*) AS many, MAX(c.not_after) FROM certificate c"
            + " JOIN module m ON m.id = c.module WHERE c.authority IN ("
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
