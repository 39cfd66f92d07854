package dev.vouchsafe.api;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * What waits for a thread, by user. Whoever has the fewest under way comes first, and among those
 * whoever waits the longest: so one user has all threads as long as nobody else wants one, and gets
 * no more of them while others wait who have fewer. Safe for use by many threads.
 *
 * @param <T> what waits
 */
final class FairLine<T> {
  /** None of them empty. */
  private final SequencedMap<Object, Queue<T>> waiting = new LinkedHashMap<>();

  /** How many each user has under way; none of them zero. */
  private final Map<Object, Integer> underWay = new HashMap<>();

  /** Puts something at the end of its user's. */
  synchronized void add(Object user, T thing) {
    waiting.computeIfAbsent(user, first -> new ArrayDeque<>()).add(thing);
  }

  /** Takes out the one whose turn it is, which is under way until {@link #ended}. */
  synchronized @Nullable T next() {
    Object chosen = null;
    int fewest = Integer.MAX_VALUE;
    for (Object user : waiting.keySet()) {
      int has = underWay.getOrDefault(user, 0);
      if (has < fewest) {
        chosen = user;
        fewest = has;
      }
      if (fewest == 0) {
        break;
      }
    }
    Queue<T> own = chosen == null ? null : waiting.remove(chosen);
    if (chosen == null || own == null) {
      return null;
    }
    T next = own.remove();
    if (!own.isEmpty()) {
      waiting.putLast(chosen, own);
    }
    underWay.merge(chosen, 1, Integer::sum);
    return next;
  }

  /** One of that user's is not under way any more. */
  synchronized void ended(Object user) {
    underWay.computeIfPresent(user, (same, count) -> count == 1 ? null : count - 1);
  }

  /** Takes something out; false if it isn't there any more. */
  synchronized boolean remove(Object user, T thing) {
    Queue<T> own = waiting.get(user);
    if (own == null || !own.remove(thing)) {
      return false;
    }
    if (own.isEmpty()) {
      waiting.remove(user);
    }
    return true;
  }

  /** Whether somebody other than that user waits. */
  synchronized boolean hasOthers(Object user) {
    return waiting.size() > (waiting.containsKey(user) ? 1 : 0);
  }
}
