package dev.vouchsafe.api;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * What waits for a thread, by user. Whoever has the fewest under way comes first, and among those
 * whoever waits the longest: so one user has all threads as long as nobody else wants one, and gets
 * no more of them while others wait who have fewer. Safe for use by many threads.
 *
 * @param <T> what waits
 */
final class FairLine<T> {
  /** So many users are remembered though they have nothing here, to be found again cheaply. */
  private static final int MOST_IDLE = 64;

  /** One user's. */
  private static final class Own<T> {
    private final Queue<T> waiting = new ArrayDeque<>();
    private int underWay;
  }

  private final Map<Object, Own<T>> users = new HashMap<>();

  /** Of whom something waits, each once. */
  private final Deque<Own<T>> line = new ArrayDeque<>();

  /** Puts something at the end of its user's. */
  synchronized void add(Object user, T thing) {
    Own<T> own = users.computeIfAbsent(user, first -> new Own<>());
    own.waiting.add(thing);
    if (own.waiting.size() == 1) {
      line.addLast(own);
    }
  }

  /** Takes out the one whose turn it is, which is under way until {@link #ended}. */
  synchronized @Nullable T next() {
    Own<T> chosen = null;
    for (Own<T> own : line) {
      if (chosen == null || own.underWay < chosen.underWay) {
        chosen = own;
      }
      if (chosen.underWay == 0) {
        break;
      }
    }
    if (chosen == null) {
      return null;
    }
    T next = chosen.waiting.remove();
    boolean _ = line.remove(chosen);
    if (!chosen.waiting.isEmpty()) {
      line.addLast(chosen);
    }
    chosen.underWay++;
    return next;
  }

  /** One of that user's is not under way any more. */
  synchronized void ended(Object user) {
    Own<T> own = users.get(user);
    if (own == null) {
      throw new IllegalStateException("nothing of that user was under way");
    }
    own.underWay--;
    if (own.underWay == 0 && own.waiting.isEmpty() && users.size() > MOST_IDLE) {
      users.remove(user);
    }
  }

  /** Takes something out; false if it isn't there any more. */
  synchronized boolean remove(Object user, T thing) {
    Own<T> own = users.get(user);
    if (own == null || !own.waiting.remove(thing)) {
      return false;
    }
    if (own.waiting.isEmpty()) {
      boolean _ = line.remove(own);
    }
    return true;
  }

  /** Whether somebody other than that user waits. */
  synchronized boolean hasOthers(Object user) {
    Own<T> own = users.get(user);
    boolean waits = own != null && !own.waiting.isEmpty();
    return line.size() > (waits ? 1 : 0);
  }
}
