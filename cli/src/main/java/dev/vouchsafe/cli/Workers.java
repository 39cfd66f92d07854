package dev.vouchsafe.cli;

import dev.vouchsafe.api.ApiSettings;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The pool of threads that requests are worked on, with a bounded queue in front: a fixed number,
 * and one more for each that is held up.
 */
final class Workers extends ThreadPoolExecutor {
  private static final int THREADS_PER_CORE = 2;
  private static final int LEAST_THREADS = 4;
  private static final long STOP_SECONDS = 4;

  private final int threads;

  private Workers(int threads, int queue) {
    super(threads, threads, 0, TimeUnit.SECONDS, new ArrayBlockingQueue<>(queue));
    this.threads = threads;
    AtomicInteger number = new AtomicInteger();
    setThreadFactory(work -> {
      Thread thread = new Thread(work, "worker-" + number.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    });
  }

  /**
   * A pool. Its queue holds what the front ends let wait, and once more that for work that a
   * request leaves behind; past that, work is rejected.
   */
  static Workers start(ApiSettings.Limits limits) {
    int threads =
        Math.max(LEAST_THREADS, THREADS_PER_CORE * Runtime.getRuntime().availableProcessors());
    return new Workers(threads, 2 * limits.waiting() + limits.connections());
  }

  /** Has as many threads as ever that are not held up. Those too many end when they are idle. */
  synchronized void replace(int heldUp) {
    int wanted = threads + heldUp;
    if (wanted > getMaximumPoolSize()) {
      setMaximumPoolSize(wanted);
      setCorePoolSize(wanted);
    } else {
      setCorePoolSize(wanted);
      setMaximumPoolSize(wanted);
    }
  }

  /** Lets the work under way end, for a time. */
  void stop() {
    shutdown();
    try {
      if (!awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        shutdownNow();
      }
    } catch (InterruptedException e) {
      shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
