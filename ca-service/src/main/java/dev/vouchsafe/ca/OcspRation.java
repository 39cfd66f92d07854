package dev.vouchsafe.ca;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How much may be signed in a second, counted in certificates that are asked for: for each asker,
 * for all of them, and of what is said to everyone alike; and how often the ledger may be asked for
 * those who are beyond that, which each asker has a share of as well. All of it together is a small
 * part of a core, and nobody alone uses up what others have.
 */
final class OcspRation {
  static final int PER_ASKER = 100;
  static final int PER_SECOND = 500;
  static final int FOR_ALL_PER_SECOND = 500;
  static final int LOOK_UPS_PER_ASKER = 50;
  static final int LOOK_UPS_PER_SECOND = 1000;

  private final LongSupplier nanoTime;

  /** Not more than {@link #PER_SECOND}, since each has taken one. */
  private final Map<Object, Integer> askers = new HashMap<>();

  /** Likewise. */
  private final Map<Object, Integer> lookers = new HashMap<>();

  private long since;
  private int taken;
  private int forAll;
  private int lookUps;

  OcspRation(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.since = nanoTime.getAsLong();
  }

  /** Whether so many more may be for that asker. */
  synchronized boolean take(Object asker, int certificates) {
    look();
    int own = askers.getOrDefault(asker, 0);
    if (own + certificates > PER_ASKER || taken + certificates > PER_SECOND) {
      return false;
    }
    askers.put(asker, own + certificates);
    taken += certificates;
    return true;
  }

  /** Whether the ledger may be asked for that asker, though {@link #take} gives no more. */
  synchronized boolean takeLookUp(Object asker) {
    look();
    int own = lookers.getOrDefault(asker, 0);
    if (own >= LOOK_UPS_PER_ASKER || lookUps >= LOOK_UPS_PER_SECOND) {
      return false;
    }
    lookers.put(asker, own + 1);
    lookUps++;
    return true;
  }

  /** Whether one more may be of what is said to everyone, whoever asks. */
  synchronized boolean takeForAll() {
    look();
    if (forAll >= FOR_ALL_PER_SECOND) {
      return false;
    }
    forAll++;
    return true;
  }

  private void look() {
    long now = nanoTime.getAsLong();
    if (now - since >= TimeUnit.SECONDS.toNanos(1)) {
      since = now;
      taken = 0;
      forAll = 0;
      lookUps = 0;
      askers.clear();
      lookers.clear();
    }
  }
}
