package dev.vouchsafe.ca;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Pools of daemon threads for work that comes now and then: they end when there was none. */
final class IdleThreads {
  private static final long IDLE_SECONDS = 10;

  private IdleThreads() {}

  /** One thread, which does one thing after the other. */
  static ThreadPoolExecutor one(String name) {
    return pool(1, Integer.MAX_VALUE, Thread.ofPlatform().name(name));
  }

  /**
   * So many threads, and so many that may wait for one; more are rejected.
   *
   * @param prefix of their names
   */
  static ThreadPoolExecutor several(int threads, int waiting, String prefix) {
    return pool(threads, waiting, Thread.ofPlatform().name(prefix, 1));
  }

  private static ThreadPoolExecutor pool(
      int threads, int waiting, Thread.Builder.OfPlatform builder) {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            threads,
            threads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(waiting),
            builder.daemon().factory());
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }
}
