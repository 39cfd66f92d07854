package dev.vouchsafe.api;

import java.util.HashMap;
import java.util.Map;

/**
 * Counts what is held at once, in all and by each owner, and says when it is enough. Safe for use
 * by many threads.
 */
final class Quota {
  private final int total;
  private final int perOwner;
  private final Map<Object, Integer> owners = new HashMap<>();
  private int held;

  Quota(int total, int perOwner) {
    this.total = total;
    this.perOwner = perOwner;
  }

  /** Takes one place for that owner, unless all are taken or it has its share. */
  synchronized boolean enter(Object owner) {
    int own = owners.getOrDefault(owner, 0);
    if (held >= total || own >= perOwner) {
      return false;
    }
    owners.put(owner, own + 1);
    held++;
    return true;
  }

  /** Gives one place back. */
  synchronized void leave(Object owner) {
    Integer own = owners.get(owner);
    if (own == null) {
      throw new IllegalStateException("nothing is held by " + owner);
    }
    if (own == 1) {
      owners.remove(owner);
    } else {
      owners.put(owner, own - 1);
    }
    held--;
  }

  synchronized int held() {
    return held;
  }
}
