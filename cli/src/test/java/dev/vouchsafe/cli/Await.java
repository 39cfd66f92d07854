package dev.vouchsafe.cli;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for a condition, and fails if it doesn't come. */
final class Await {
  private static final long LIMIT = TimeUnit.SECONDS.toNanos(60);
  private static final long STEP = TimeUnit.MILLISECONDS.toNanos(20);

  private Await() {}

  static void until(BooleanSupplier condition) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - start > LIMIT) {
        throw new AssertionError("the condition did not come");
      }
      LockSupport.parkNanos(STEP);
    }
  }
}
