package dev.vouchsafe.keys;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Waits for what becomes true by itself. */
final class Eventually {
  private static final Duration LONGEST = Duration.ofSeconds(30);
  private static final long BETWEEN_LOOKS = TimeUnit.MILLISECONDS.toNanos(2);

  private Eventually() {}

  /** How long it took until it was true. */
  static Duration isTrue(String what, Callable<Boolean> condition) throws Exception {
    long start = System.nanoTime();
    while (!condition.call()) {
      if (System.nanoTime() - start > LONGEST.toNanos()) {
        throw new AssertionError("not within " + LONGEST + ": " + what);
      }
      LockSupport.parkNanos(BETWEEN_LOOKS);
    }
    return Duration.ofNanos(System.nanoTime() - start);
  }

  /** How long it took until that key signed, with nothing but "unavailable" before. */
  static Duration signs(StoredKey key) throws Exception {
    return isTrue(
        "a signature",
        () -> {
          try {
            if (!Pkcs11Place.signs(key)) {
              throw new AssertionError("a signature that does not verify");
            }
            return true;
          } catch (KeyFault.Unavailable e) {
            return false;
          }
        });
  }
}
