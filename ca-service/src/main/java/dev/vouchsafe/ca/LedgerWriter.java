package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Commits in groups: one thread takes all that waits, writes it in one transaction, and syncs once
 * for all of it. Nothing is reported durable unless its commit returned.
 *
 * <p>A group that fails, because the disk is full or broken, is undone whole and answered
 * "unavailable"; the next group tries anew. Notes about what is already recorded are kept and go
 * along with a later group.
 */
final class LedgerWriter implements AutoCloseable {
  /** One thing to write. Called on the writer's thread, possibly more than once. */
  interface Write {
    void to(LedgerStatements ledger) throws SQLException;
  }

  /** What the one who waits for a write waits for. */
  private enum Need {
    /** To be on the disk. */
    DURABLE,
    /** To be seen by readers; all notes so far with it. */
    VISIBLE,
    /** Nothing: it goes along with the next group, or on its own after a moment. */
    SOMETIME
  }

  private record Item(Need need, Write write, CompletableFuture<@Nullable Void> done) {}

  private static final CompletableFuture<@Nullable Void> NOBODY_WAITS =
      CompletableFuture.completedFuture(null);
  private static final Write NOTHING = ledger -> {};
  private static final System.Logger LOG = System.getLogger(LedgerWriter.class.getName());
  private static final int MOST_WAITING = 4096;
  private static final int LARGEST_GROUP = 512;
  private static final int MOST_NOTES_KEPT = 64 * 1024;
  private static final long NOTE_WAITS_MILLIS = 20;

  private final Path file;
  private final LinkedBlockingQueue<Item> queue = new LinkedBlockingQueue<>();
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final ArrayDeque<Item> notes = new ArrayDeque<>();
  private final Thread thread;
  private @Nullable LedgerStatements statements;

  LedgerWriter(Path file) throws IOException {
    this.file = file;
    try {
      statements = new LedgerStatements(LedgerSchema.connect(file));
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
  CompletableFuture<@Nullable Void> durable(Write write) {
    if (waiting.incrementAndGet() > MOST_WAITING) {
      waiting.decrementAndGet();
      return CompletableFuture.failedFuture(unavailable("too much waits for the disk", null));
    }
    return offer(Need.DURABLE, write);
  }

  /**
   * Notes something about what is already recorded; needs no sync of its own. After {@link #close}
   * it is lost, and what was recorded stands as it was.
   */
  void note(Write write) {
    synchronized (closed) {
      if (!closed.get()) {
        queue.add(new Item(Need.SOMETIME, write, NOBODY_WAITS));
      }
    }
  }

  /** Completes when every note given before can be read. */
  CompletableFuture<@Nullable Void> visible() {
    return offer(Need.VISIBLE, NOTHING);
  }

  private CompletableFuture<@Nullable Void> offer(Need need, Write write) {
    Item item = new Item(need, write, new CompletableFuture<>());
    synchronized (closed) {
      if (closed.get()) {
        if (need == Need.DURABLE) {
          waiting.decrementAndGet();
        }
        item.done().completeExceptionally(unavailable("it is closing", null));
      } else {
        queue.add(item);
      }
    }
    return item.done();
  }

  private void run() {
    List<Item> group = new ArrayList<>();
    try {
      boolean more = true;
      while (more) {
        more = take(group);
        writeGroup(group);
        group.clear();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      refuseMore();
    }
    queue.drainTo(group);
    writeGroup(group);
    closeStatements();
  }

  private boolean refuseMore() {
    synchronized (closed) {
      return closed.compareAndSet(false, true);
    }
  }

  /** Waits for the next group; false if it is the last. */
  private boolean take(List<Item> group) throws InterruptedException {
    group.add(queue.take());
    queue.drainTo(group, LARGEST_GROUP - 1);
    if (group.stream().allMatch(item -> item.need() == Need.SOMETIME) && !closed.get()) {
      Item next = queue.poll(NOTE_WAITS_MILLIS, TimeUnit.MILLISECONDS);
      if (next != null) {
        group.add(next);
        queue.drainTo(group, LARGEST_GROUP);
      }
    }
    return !closed.get();
  }

  private void writeGroup(List<Item> group) {
    notes.addAll(group.stream().filter(item -> item.need() == Need.SOMETIME).toList());
    while (notes.size() > MOST_NOTES_KEPT) {
      // What is lost stays "intended", which stands as issued: the safe side.
      notes.removeFirst();
    }
    List<Item> asked = group.stream().filter(item -> item.need() != Need.SOMETIME).toList();
    boolean sync = closed.get() || asked.stream().anyMatch(item -> item.need() == Need.DURABLE);
    IssuanceException failure = null;
    if (!asked.isEmpty() || !notes.isEmpty()) {
      failure = tryWrite(asked, sync);
    }
    for (Item item : asked) {
      if (item.need() == Need.DURABLE) {
        waiting.decrementAndGet();
      }
      if (failure == null) {
        item.done().complete(null);
      } else {
        item.done().completeExceptionally(failure);
      }
    }
  }

  private @Nullable IssuanceException tryWrite(List<Item> asked, boolean sync) {
    try {
      LedgerStatements ledger = statements();
      ledger.synced(sync);
      for (Item item : notes) {
        item.write().to(ledger);
      }
      for (Item item : asked) {
        item.write().to(ledger);
      }
      ledger.commit();
      notes.clear();
      return null;
    } catch (SQLException e) {
      LOG.log(System.Logger.Level.ERROR, "the ledger could not be written: {0}", e.getMessage());
      undo();
      return unavailable("its disk is full or can't be written", e);
    }
  }

  private void undo() {
    LedgerStatements ledger = statements;
    if (ledger != null) {
      try {
        ledger.rollback();
      } catch (SQLException e) {
        LOG.log(System.Logger.Level.ERROR, "the ledger is opened anew: {0}", e.getMessage());
        closeStatements();
      }
    }
  }

  private LedgerStatements statements() throws SQLException {
    LedgerStatements current = statements;
    if (current == null) {
      current = new LedgerStatements(LedgerSchema.connect(file));
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

  private static IssuanceException unavailable(@Nullable String why, @Nullable Throwable cause) {
    String message = "the ledger can't record what would be issued: " + why;
    return cause == null
        ? new IssuanceException(Reason.LEDGER_UNAVAILABLE, message)
        : new IssuanceException(Reason.LEDGER_UNAVAILABLE, message, cause);
  }

  /** Writes what waits, with a sync, and ends the thread. */
  @Override
  public void close() {
    if (refuseMore()) {
      // Wakes the thread, which then takes all that is left.
      queue.add(new Item(Need.VISIBLE, NOTHING, new CompletableFuture<>()));
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
