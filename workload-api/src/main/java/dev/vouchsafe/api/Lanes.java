package dev.vouchsafe.api;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Brings together what belongs together while it waits for a worker, so that a worker does all of
 * it at once. Each lane has one worker at a time at most: whoever makes that worker slow holds up
 * his own lane only.
 *
 * <p>Invariant: a lane is in the map exactly while a worker has it or is on the way to it.
 */
final class Lanes<T> {
  private static final int MOST_AT_ONCE = 32;

  /** After so many times it is the turn of what else waits for a worker. */
  private static final int TURNS = 8;

  private final Workers workers;
  private final Consumer<List<T>> work;
  private final BiConsumer<T, Failure> rejected;
  private final Map<Object, Queue<T>> waiting = new ConcurrentHashMap<>();

  /**
   * @param work what a worker does with things of one lane, at least one
   * @param rejected what becomes of a thing that no worker takes
   */
  Lanes(Workers workers, Consumer<List<T>> work, BiConsumer<T, Failure> rejected) {
    this.workers = workers;
    this.work = work;
    this.rejected = rejected;
  }

  /** Puts a thing into a lane. */
  void add(Object lane, T thing) {
    boolean[] opened = {false};
    waiting.compute(
        lane,
        (key, open) -> {
          Queue<T> queue = open;
          if (queue == null) {
            queue = new ArrayDeque<>();
            opened[0] = true;
          }
          queue.add(thing);
          return queue;
        });
    if (opened[0]) {
      callWorker(lane);
    }
  }

  private void callWorker(Object lane) {
    try {
      workers.execute(() -> run(lane));
    } catch (Failure failure) {
      for (List<T> left = take(lane); !left.isEmpty(); left = take(lane)) {
        left.forEach(thing -> rejected.accept(thing, failure));
      }
    }
  }

  private void run(Object lane) {
    boolean empty = false;
    try {
      for (int turn = 0; turn < TURNS && !empty; turn++) {
        List<T> things = take(lane);
        empty = things.isEmpty();
        if (!empty) {
          work.accept(things);
        }
      }
    } finally {
      // Also after an error, which must not leave the lane without a worker.
      if (!empty) {
        callWorker(lane);
      }
    }
  }

  /** The next things of that lane; if there are none, the lane is closed. */
  private List<T> take(Object lane) {
    List<T> taken = new ArrayList<>();
    waiting.computeIfPresent(
        lane,
        (key, queue) -> {
          for (T next = queue.poll(); next != null; next = queue.poll()) {
            taken.add(next);
            if (taken.size() == MOST_AT_ONCE) {
              break;
            }
          }
          return taken.isEmpty() ? null : queue;
        });
    return taken;
  }
}
