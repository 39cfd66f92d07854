package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What waits for the ledger's thread, handed out in groups.
 *
 * <p>A commit costs as much CPU as a signature and its verification, whatever the size of its
 * group. So while somebody has announced more, the first of a group waits a moment for company;
 * when nobody has, it doesn't. Notes alone, which nobody waits for, never wake the thread at once.
 */
final class LedgerQueue {
  /** One thing to write. Called on the ledger's thread, more than once if a commit fails. */
  interface Write {
    void to(LedgerStatements ledger) throws SQLException;
  }

  /**
   * A write that somebody waits for.
   *
   * @param durable whether it must be on the disk, or only readable
   * @param apart whether it has a condition: if that isn't met, only this write is undone
   * @param write the write
   * @param done completes on the ledger's thread
   */
  record Asked(
      boolean durable, boolean apart, Write write, CompletableFuture<@Nullable Void> done) {}

  /**
   * What goes into one commit.
   *
   * @param asked what somebody waits for
   * @param notes what nobody waits for
   * @param last whether nothing comes after it
   */
  record Group(List<Asked> asked, List<Write> notes, boolean last) {}

  private static final int MOST_WAITING = 4096;
  private static final int WORTH_A_COMMIT = 64;
  private static final long GATHERING_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
  private static final long NOTES_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private List<Asked> asked = new ArrayList<>();
  private List<Write> notes = new ArrayList<>();
  private int announced;
  private boolean closed;

  /**
   * Asks for a write.
   *
   * @return completes on the ledger's thread; exceptionally with {@link Reason#LEDGER_UNAVAILABLE}
   *     at once if too much waits already, or after {@link #close}
   */
  CompletableFuture<@Nullable Void> ask(boolean durable, boolean apart, Write write) {
    lock.lock();
    try {
      if (closed || asked.size() >= MOST_WAITING) {
        return CompletableFuture.failedFuture(
            new IssuanceException(
                Reason.LEDGER_UNAVAILABLE,
                closed ? "the ledger is closing" : "too much waits for the ledger's disk"));
      }
      CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
      asked.add(new Asked(durable, apart, write, done));
      if (asked.size() == 1 || asked.size() == WORTH_A_COMMIT) {
        changed.signal();
      }
      return done;
    } finally {
      lock.unlock();
    }
  }

  /** Leaves a note. After {@link #close} it is lost, and what was recorded stands as it was. */
  void note(Write write) {
    lock.lock();
    try {
      if (!closed) {
        notes.add(write);
        if (notes.size() == 1) {
          changed.signal();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Says that a write is being prepared. Each must be followed by one {@link #retract}. */
  void announce() {
    lock.lock();
    try {
      announced++;
    } finally {
      lock.unlock();
    }
  }

  /** Takes back one {@link #announce}, after asking or in place of it. */
  void retract() {
    lock.lock();
    try {
      announced--;
      if (announced == 0) {
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Lets nothing more in; the next group is the last. */
  void close() {
    lock.lock();
    try {
      closed = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Waits for the next group. Called by the ledger's thread only. */
  Group take() throws InterruptedException {
    lock.lock();
    try {
      long notesLeft = NOTES_WAIT_NANOS;
      while (asked.isEmpty() && !closed && notesLeft > 0) {
        if (notes.isEmpty()) {
          changed.await();
        } else {
          notesLeft = changed.awaitNanos(notesLeft);
        }
      }
      long gatheringLeft = GATHERING_NANOS;
      while (asksMayCome() && gatheringLeft > 0) {
        gatheringLeft = changed.awaitNanos(gatheringLeft);
      }
      Group group = new Group(asked, notes, closed);
      asked = new ArrayList<>();
      notes = new ArrayList<>();
      return group;
    } finally {
      lock.unlock();
    }
  }

  /** Takes out what the thread will not come to any more. */
  Group abandon() {
    lock.lock();
    try {
      Group left = new Group(asked, notes, true);
      asked = new ArrayList<>();
      notes = new ArrayList<>();
      return left;
    } finally {
      lock.unlock();
    }
  }

  private boolean asksMayCome() {
    return !asked.isEmpty() && asked.size() < WORTH_A_COMMIT && announced > 0 && !closed;
  }
}
