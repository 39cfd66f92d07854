package dev.vouchsafe.api;

import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.SequencedSet;
import org.jspecify.annotations.Nullable;

/**
 * Lets connections of one listener in, within its limits. One over them is answered and closed,
 * never dropped in silence; only when very many are over them is there no time to wait until each
 * has read its answer.
 *
 * <p>When all places are taken, a newcomer whose owner has fewer than another gets the place of one
 * of that other's connections, the oldest on which no request is being worked on: so whoever would
 * keep the others out has to be as many owners as there are places. Safe for use by many threads.
 */
final class Doorkeeper {
  private final int most;
  private final int mostPerOwner;
  private final Map<Object, SequencedSet<Guest>> inside = new HashMap<>();
  private final Quota turnedAway;
  private int count;

  Doorkeeper(ApiSettings.Limits limits) {
    this.most = limits.connections();
    this.mostPerOwner = limits.perUid();
    int extra = Math.max(8, limits.connections() / 8);
    this.turnedAway = new Quota(extra, extra);
  }

  /** How a connection is met. */
  enum Welcome {
    /** It may ask. */
    INSIDE,
    /** It is told that there are too many, and may read that in peace. */
    TURNED_AWAY,
    /** It is told so in passing. */
    IN_PASSING
  }

  /** A connection at the door, or inside. Both may be called on any thread. */
  interface Guest {
    /** Whether no request is being worked on. */
    boolean mayGo();

    /** Ends it, at once or after the answer under way: its place is another's now. */
    void giveWay();
  }

  Welcome meet(Object owner, Guest guest) {
    Guest leaving = null;
    synchronized (this) {
      int own = held(owner);
      boolean admitted = own < mostPerOwner;
      if (admitted && count == most) {
        leaving = giveUpOne(own);
        admitted = leaving != null;
      }
      if (admitted) {
        inside.computeIfAbsent(owner, first -> new LinkedHashSet<>()).add(guest);
        count++;
      } else {
        return turnedAway.enter(owner) ? Welcome.TURNED_AWAY : Welcome.IN_PASSING;
      }
    }
    if (leaving != null) {
      leaving.giveWay();
    }
    return Welcome.INSIDE;
  }

  private int held(Object owner) {
    SequencedSet<Guest> guests = inside.get(owner);
    return guests == null ? 0 : guests.size();
  }

  /** Takes the place of one whose owner has more than the newcomer's will have. */
  private @Nullable Guest giveUpOne(int newcomers) {
    Object richest = null;
    Guest leaving = null;
    int more = newcomers + 1;
    for (Map.Entry<Object, SequencedSet<Guest>> each : inside.entrySet()) {
      if (each.getValue().size() > more) {
        Guest one = each.getValue().stream().filter(Guest::mayGo).findFirst().orElse(null);
        if (one != null) {
          leaving = one;
          richest = each.getKey();
          more = each.getValue().size();
        }
      }
    }
    if (leaving != null && richest != null) {
      remove(richest, leaving);
    }
    return leaving;
  }

  private void remove(Object owner, Guest guest) {
    SequencedSet<Guest> guests = inside.get(owner);
    // One that gave way was removed then.
    if (guests != null && guests.remove(guest)) {
      count--;
      if (guests.isEmpty()) {
        inside.remove(owner);
      }
    }
  }

  void bye(Object owner, Guest guest, Welcome welcome) {
    switch (welcome) {
      case INSIDE -> {
        synchronized (this) {
          remove(owner, guest);
        }
      }
      case TURNED_AWAY -> turnedAway.leave(owner);
      case IN_PASSING -> {
        // Was never counted.
      }
    }
  }
}
