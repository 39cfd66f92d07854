package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Commits in groups: one thread takes all that waits, writes it in one transaction, and syncs once
 * for all of it. Nothing is reported durable unless its commit returned.
 *
 * <p>A group that fails, because the disk is full or broken, is undone whole and answered
 * "unavailable"; the next group tries anew. A write whose condition isn't met fails alone. Notes
 * about what is already recorded are kept and go along with a later group.
 */
final class LedgerWriter implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(LedgerWriter.class.getName());
  private static final int MOST_NOTES_KEPT = 64 * 1024;

  /** With all else that closes, less than the program has for its stop. */
  private static final Duration CLOSE_WAITS = Duration.ofSeconds(2);

  private final Path file;
  private final LedgerSchema.Connector connector;
  private final LedgerBudget budget;
  private final Path log;
  private final LedgerQueue queue = new LedgerQueue();
  private final ArrayDeque<LedgerQueue.Write> notes = new ArrayDeque<>();
  private final Thread thread;
  private final Duration closeWait;

  /** Of the group under way, those whose condition was not met. */
  private final Map<LedgerQueue.Asked, IssuanceException> unmet = new HashMap<>();

  private @Nullable LedgerStatements statements;
  private boolean failing;

  /** How many of the group under way are waited for. */
  private volatile int inHand;

  LedgerWriter(Path file, LedgerSchema.Connector connector) throws IOException {
    this(file, connector, CLOSE_WAITS);
  }

  LedgerWriter(Path file, LedgerSchema.Connector connector, LedgerBudget budget)
      throws IOException {
    this(file, connector, budget, CLOSE_WAITS);
  }

  LedgerWriter(Path file, LedgerSchema.Connector connector, Duration closeWait) throws IOException {
    this(file, connector, LedgerBudget.of(LedgerSettings.STANDARD), closeWait);
  }

  /**
   * @param closeWait how long {@link #close} waits for the disk
   */
  private LedgerWriter(
      Path file, LedgerSchema.Connector connector, LedgerBudget budget, Duration closeWait)
      throws IOException {
    this.budget = budget;
    this.log = file.resolveSibling(file.getFileName() + "-wal");
    this.file = file;
    this.closeWait = closeWait;
    this.connector = connector;
    try {
      budget.measure(statements(), log);
    } catch (SQLException e) {
      throw new IOException(file + " can't be used: " + e.getMessage(), e);
    }
    thread = Thread.ofPlatform().daemon().name("vouchsafe-ledger").unstarted(this::run);
    thread.start();
  }

  /**
   * Writes something that must survive a power cut.
   *
   * @return completes on the writer's thread when it does, or exceptionally with {@link
   *     Reason#LEDGER_UNAVAILABLE}
   */
  CompletableFuture<@Nullable Void> durable(LedgerQueue.Write write) {
    return queue.ask(true, false, write);
  }

  /**
   * The same for a write with a condition, be it that a row must be there, or must not: if it isn't
   * met, only this write is undone, and nothing of those who share its commit.
   */
  CompletableFuture<@Nullable Void> conditional(LedgerQueue.Write write) {
    return queue.ask(true, true, write);
  }

  /** Says that a durable write is being prepared. Each must be followed by {@link #retract}. */
  void announce() {
    queue.announce();
  }

  /** Takes back one {@link #announce}, after writing or in place of it. */
  void retract() {
    queue.retract();
  }

  /** Notes something about what is already recorded; needs no sync of its own. */
  void note(LedgerQueue.Write write) {
    queue.note(write);
  }

  /** Completes when every note given before can be read. */
  CompletableFuture<@Nullable Void> visible() {
    return queue.ask(false, false, ledger -> {});
  }

  /** Completes when the log was copied back, as far as nobody reads it, and the file measured. */
  CompletableFuture<@Nullable Void> measured() {
    return queue.ask(false, false, LedgerStatements::checkpointAfter);
  }

  private void run() {
    boolean more = true;
    while (more) {
      try {
        LedgerQueue.Group group = queue.take();
        write(group);
        more = !group.last();
      } catch (InterruptedException e) {
        // Nobody has a reason to interrupt it; if somebody does, what waits is still written.
        queue.close();
      }
    }
    closeStatements();
  }

  private void write(LedgerQueue.Group group) {
    notes.addAll(group.notes());
    while (notes.size() > MOST_NOTES_KEPT) {
      // What is lost stays "intended", which stands as issued: the safe side.
      notes.removeFirst();
    }
    inHand = group.asked().size();
    IssuanceException failure = null;
    if (!group.asked().isEmpty() || !notes.isEmpty()) {
      failure = tryWrite(group);
    }
    for (LedgerQueue.Asked asked : group.asked()) {
      IssuanceException own = failure == null ? unmet.get(asked) : failure;
      if (own == null) {
        asked.done().complete(null);
      } else {
        asked.done().completeExceptionally(own);
      }
    }
    unmet.clear();
    inHand = 0;
  }

  private void write(LedgerStatements ledger, LedgerQueue.Asked asked) throws SQLException {
    if (!asked.apart()) {
      asked.write().to(ledger);
      return;
    }
    try {
      ledger.apart(asked.write());
    } catch (LedgerStatements.Unmet e) {
      unmet.put(
          asked, new IssuanceException(Reason.LEDGER_UNAVAILABLE, "the ledger refuses it", e));
    }
  }

  private @Nullable IssuanceException tryWrite(LedgerQueue.Group group) {
    try {
      LedgerStatements ledger = statements();
      boolean durable = group.asked().stream().anyMatch(LedgerQueue.Asked::durable);
      ledger.synced(durable || group.last());
      for (LedgerQueue.Write note : notes) {
        note.to(ledger);
      }
      for (LedgerQueue.Asked asked : group.asked()) {
        write(ledger, asked);
      }
      ledger.commit();
      notes.clear();
      tell(null);
      followUp(ledger);
      return null;
    } catch (SQLException | RuntimeException e) {
      // Whatever it is, the thread goes on: those who wait would wait for ever. The connection does
      // not: closing it undoes the group whole, whatever state it was left in.
      tell(e);
      closeStatements();
      return new IssuanceException(
          Reason.LEDGER_UNAVAILABLE,
          "the ledger can't record what would be issued: its disk is full or can't be written",
          e);
    }
  }

  /**
   * What follows a commit, and says nothing about it: what was committed is told as done also where
   * the log can't be copied back, such as on a full disk.
   */
  private void followUp(LedgerStatements ledger) {
    try {
      ledger.afterCommit();
      budget.measure(ledger, log);
    } catch (SQLException | RuntimeException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the ledger''s log can''t be copied back now, what is in it stands: {0}",
          e.getMessage());
      closeStatements();
    }
  }

  /** Logs when writing begins to fail and when it is back, not each failure in between. */
  private void tell(@Nullable Exception failure) {
    if (failure != null && !failing) {
      LOG.log(System.Logger.Level.ERROR, "writing to the ledger fails: {0}", failure.getMessage());
    } else if (failure == null && failing) {
      LOG.log(System.Logger.Level.INFO, "the ledger can be written again");
    }
    failing = failure != null;
  }

  private LedgerStatements statements() throws SQLException {
    LedgerStatements current = statements;
    if (current == null) {
      Connection connection = connector.connect(file);
      budget.bound(connection);
      current = new LedgerStatements(connection);
      statements = current;
    }
    return current;
  }

  private void closeStatements() {
    LedgerStatements ledger = statements;
    statements = null;
    if (ledger != null) {
      try {
        ledger.close();
      } catch (SQLException e) {
        LOG.log(System.Logger.Level.WARNING, "closing the ledger: {0}", e.getMessage());
      }
    }
  }

  /**
   * Writes what waits, with a sync, and ends the thread. If the disk doesn't answer in time, what
   * is left is told to those who wait for it, and logged: nothing of it was reported durable.
   */
  @Override
  public void close() {
    queue.close();
    boolean interrupted = false;
    long end = System.nanoTime() + closeWait.toNanos();
    for (long left = closeWait.toNanos(); !hasEnded() && left > 0; left = end - System.nanoTime()) {
      try {
        boolean _ = thread.join(Duration.ofNanos(left));
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (!hasEnded()) {
      abandon();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Whether nothing is written any more. */
  boolean hasEnded() {
    return !thread.isAlive();
  }

  private void abandon() {
    LedgerQueue.Group left = queue.abandon();
    LOG.log(
        System.Logger.Level.ERROR,
        "the ledger''s disk does not answer: left behind are a commit of {0} writes that may still"
            + " end, {1} that waited and {2} notes of how certificates ended, which stand as"
            + " issued",
        inHand,
        left.asked().size(),
        left.notes().size());
    IssuanceException why =
        new IssuanceException(Reason.LEDGER_UNAVAILABLE, "the ledger's disk does not answer");
    left.asked().forEach(asked -> asked.done().completeExceptionally(why));
  }
}
