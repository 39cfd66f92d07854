package dev.vouchsafe.ca;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** How many answers may be signed in a second: what that takes is a few hundredths of a core. */
final class OcspRation {
  static final int PER_SECOND = 500;

  private final LongSupplier nanoTime;
  private long since;
  private int taken;

  OcspRation(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.since = nanoTime.getAsLong();
  }

  /** Whether one more may be. */
  synchronized boolean take() {
    long now = nanoTime.getAsLong();
    if (now - since >= TimeUnit.SECONDS.toNanos(1)) {
      since = now;
      taken = 0;
    }
    if (taken >= PER_SECOND) {
      return false;
    }
    taken++;
    return true;
  }
}
