package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Ends what takes longer than one fixed time, if a little later: it looks a few times in that time,
 * while there is something to look at. A timer for each would wake a thread for each.
 */
final class Overdue {
  private static final int LOOKS = 10;
  private static final Duration LONGEST_PAUSE = Duration.ofMillis(250);

  private final long longest;
  private final Executor pause;

  /** In the order in which they began, and so of their ends. */
  private final Queue<Awaited> awaited = new ConcurrentLinkedQueue<>();

  private final AtomicBoolean looking = new AtomicBoolean();

  /**
   * @param longest how long each may take
   */
  Overdue(Duration longest) {
    this(
        longest,
        CompletableFuture.delayedExecutor(
            Math.min(LONGEST_PAUSE.toNanos(), longest.toNanos() / LOOKS), TimeUnit.NANOSECONDS));
  }

  /**
   * @param pause runs a look after a while
   */
  Overdue(Duration longest, Executor pause) {
    this.longest = longest.toNanos();
    this.pause = pause;
  }

  private record Awaited(CompletableFuture<?> future, long begun) {}

  /**
   * Ends it with a {@link TimeoutException} if it takes longer.
   *
   * @return the same
   */
  <T extends @Nullable Object> CompletableFuture<T> end(CompletableFuture<T> future) {
    if (!future.isDone()) {
      awaited.add(new Awaited(future, System.nanoTime()));
      lookLater();
    }
    return future;
  }

  private void lookLater() {
    if (awaited.isEmpty() || !looking.compareAndSet(false, true)) {
      return;
    }
    boolean called = false;
    try {
      pause.execute(this::look);
      called = true;
    } finally {
      if (!called) {
        // No thread could be had now; the next one that comes calls again.
        looking.set(false);
      }
    }
  }

  private void look() {
    try {
      long now = System.nanoTime();
      for (Awaited first = awaited.peek();
          first != null && (first.future().isDone() || now - first.begun() >= longest);
          first = awaited.peek()) {
        awaited.poll();
        boolean _ = first.future().completeExceptionally(new TimeoutException());
      }
    } finally {
      looking.set(false);
      lookLater();
    }
  }
}
