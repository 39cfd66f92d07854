package dev.vouchsafe.cli;

import dev.vouchsafe.api.ApiSettings;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The fixed pool of threads that requests are worked on, with a bounded queue in front. */
final class Workers {
  private static final int THREADS_PER_CORE = 2;
  private static final int LEAST_THREADS = 4;
  private static final long STOP_SECONDS = 4;

  private Workers() {}

  /**
   * A pool. Its queue holds what the front ends let wait, and once more that for work that a
   * request leaves behind; past that, work is rejected.
   */
  static ExecutorService start(ApiSettings.Limits limits) {
    int threads =
        Math.max(LEAST_THREADS, THREADS_PER_CORE * Runtime.getRuntime().availableProcessors());
    AtomicInteger number = new AtomicInteger();
    return new ThreadPoolExecutor(
        threads,
        threads,
        0,
        TimeUnit.SECONDS,
        new ArrayBlockingQueue<>(2 * limits.waiting() + limits.connections()),
        work -> {
          Thread thread = new Thread(work, "worker-" + number.incrementAndGet());
          thread.setDaemon(true);
          return thread;
        });
  }

  /** Lets the work under way end, for a time. */
  static void stop(ExecutorService workers) {
    workers.shutdown();
    try {
      if (!workers.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        workers.shutdownNow();
      }
    } catch (InterruptedException e) {
      workers.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
