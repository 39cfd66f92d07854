package dev.vouchsafe.audit;

import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** What waits for the thread that writes a log. Safe for use by many threads. */
final class LogQueue {
  private static final int LONGEST = 8192;
  private static final int GROUP = 1024;
  private static final long IDLE_MILLIS = 500;

  /** What comes within this time shares a sync; nobody waits for it. */
  private static final long GATHER_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** An event, or somebody who wants a checkpoint. */
  sealed interface Item {}

  /**
   * @param kept for what must not happen unrecorded: is told how that went
   */
  record Entry(LogWriter.Stamped stamped, @Nullable CompletableFuture<Void> kept) implements Item {
    /** Whoever waited for it has been told that it isn't recorded. */
    boolean isGivenUp() {
      return kept != null && kept.isDone();
    }
  }

  /**
   * @param answer the checkpoint's text
   */
  record Wanted(CompletableFuture<String> answer) implements Item {}

  private final BlockingQueue<Item> queue = new ArrayBlockingQueue<>(LONGEST);
  private final CountDownLatch closing = new CountDownLatch(1);

  /** False if there is no room. */
  boolean offer(Item item) {
    return queue.offer(item);
  }

  /**
   * Puts something in that is written, or given up, for certain.
   *
   * @throws AuditUnavailableException if there is no room, or the log is closing
   */
  void put(Item item) throws AuditUnavailableException {
    if (isClosing()) {
      throw closed();
    }
    if (!queue.offer(item)) {
      throw new AuditUnavailableException("the audit log is behind");
    }
    // Either it is seen here that the log closes, or the thread sees the item.
    if (isClosing() && queue.remove(item)) {
      throw closed();
    }
  }

  private static AuditUnavailableException closed() {
    return new AuditUnavailableException("the audit log is closing");
  }

  int size() {
    return queue.size();
  }

  /** Lets nothing more in. */
  void close() {
    closing.countDown();
  }

  boolean isClosing() {
    return closing.getCount() == 0;
  }

  /** Waits a moment; true if the log is closing. For the thread. */
  boolean pause() throws InterruptedException {
    return closing.await(IDLE_MILLIS, TimeUnit.MILLISECONDS);
  }

  /** Waits a moment for something, and for its company. For the thread. */
  void gather(List<Item> group) throws InterruptedException {
    Item first = queue.poll(IDLE_MILLIS, TimeUnit.MILLISECONDS);
    if (first == null) {
      return;
    }
    group.add(first);
    if (queue.size() < GROUP && first instanceof Entry entry && entry.kept() == null) {
      LockSupport.parkNanos(GATHER_NANOS);
    }
    queue.drainTo(group, GROUP - 1);
  }

  /** All that is left. For the thread. */
  void drain(List<Item> group) {
    queue.drainTo(group);
  }

  /** Tells all who wait that what they want recorded is not. */
  void giveUp(String why) {
    for (Item item : queue) {
      if (item instanceof Entry entry && entry.kept() != null) {
        entry.kept().completeExceptionally(new AuditUnavailableException(why));
      }
    }
  }
}
