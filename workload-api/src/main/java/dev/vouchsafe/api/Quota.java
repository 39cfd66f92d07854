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
  boolean enter(Object owner) {
    return enter(owner, 1);
  }

  /** Takes so many places for that owner, or none. */
  synchronized boolean enter(Object owner, int places) {
    int own = owners.getOrDefault(owner, 0);
    if (places > total - held || places > perOwner - own) {
      return false;
    }
    owners.put(owner, own + places);
    held += places;
    return true;
  }

  /** Gives one place back. */
  void leave(Object owner) {
    leave(owner, 1);
  }

  /** Gives so many places back. */
  synchronized void leave(Object owner, int places) {
    Integer own = owners.get(owner);
    if (own == null || own < places) {
      throw new IllegalStateException("so much is not held by " + owner);
    }
    if (own == places) {
      owners.remove(owner);
    } else {
      owners.put(owner, own - places);
    }
    held -= places;
  }

  synchronized int held() {
    return held;
  }
}
