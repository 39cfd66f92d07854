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
 * <p>Invariant: a lane is in the map exactly while a worker has it or is on the way to it; not any
 * more when that worker was given up.
 */
final class Lanes<T> {
  private static final int MOST_AT_ONCE = 32;

  /** After so many times it is the turn of what else waits for a worker. */
  private static final int TURNS = 8;

  private final CallerWorkers workers;
  private final Consumer<List<T>> work;
  private final Consumer<T> slow;
  private final BiConsumer<T, Failure> rejected;
  private final Map<Object, Lane> waiting = new ConcurrentHashMap<>();

  /**
   * @param work what a worker does with things of one lane, at least one
   * @param slow is told of a thing whose lane takes long; more than once, it may be
   * @param rejected what becomes of a thing that no worker takes
   */
  Lanes(
      CallerWorkers workers,
      Consumer<List<T>> work,
      Consumer<T> slow,
      BiConsumer<T, Failure> rejected) {
    this.workers = workers;
    this.work = work;
    this.slow = slow;
    this.rejected = rejected;
  }

  /**
   * Puts a thing into a lane.
   *
   * @param user who makes a worker slow if it is
   */
  void add(Object user, Object lane, T thing) {
    boolean[] opened = {false};
    Lane own =
        waiting.compute(
            lane,
            (key, open) -> {
              opened[0] = open == null;
              Lane found = open == null ? new Lane(user, key) : open;
              found.queue.add(thing);
              return found;
            });
    if (own.late) {
      slow.accept(thing);
    }
    if (opened[0]) {
      own.callWorker();
    }
  }

  /** What waits together, and the worker's way through it. */
  private final class Lane implements CallerWorkers.Work {
    private final Object user;
    private final Object key;

    /** Guarded by the map. */
    private final Queue<T> queue = new ArrayDeque<>();

    private volatile List<T> inHand = List.of();
    private volatile boolean late;

    Lane(Object user, Object key) {
      this.user = user;
      this.key = key;
    }

    void callWorker() {
      try {
        workers.execute(user, this);
      } catch (Failure failure) {
        givenUp(failure);
      }
    }

    @Override
    public void run() {
      boolean empty = false;
      try {
        for (int turn = 0; turn < TURNS && !empty; turn++) {
          List<T> things = take();
          empty = things.isEmpty();
          if (!empty) {
            work.accept(things);
            inHand = List.of();
          }
        }
      } finally {
        inHand = List.of();
        // Also after an error, which must not leave the lane without a worker.
        if (!empty) {
          callWorker();
        }
      }
    }

    @Override
    public void slow() {
      late = true;
      there(false).forEach(slow);
    }

    /** What is in this lane: in the worker's hand or waiting, and not on the way between them. */
    private List<T> there(boolean close) {
      List<T> there = new ArrayList<>();
      waiting.compute(
          key,
          (same, open) -> {
            there.addAll(inHand);
            if (open != this) {
              return open;
            }
            there.addAll(queue);
            return close ? null : open;
          });
      return there;
    }

    /** Whoever comes now opens another lane, with another worker. */
    @Override
    public void givenUp(Failure why) {
      List<T> left = there(true);
      left.forEach(thing -> rejected.accept(thing, why));
    }

    /** The next things; if there are none, the lane is closed. */
    private List<T> take() {
      List<T> taken = new ArrayList<>();
      waiting.computeIfPresent(
          key,
          (same, open) -> {
            if (open != this) {
              return open;
            }
            for (T next = queue.poll(); next != null; next = queue.poll()) {
              taken.add(next);
              if (taken.size() == MOST_AT_ONCE) {
                break;
              }
            }
            inHand = taken;
            return taken.isEmpty() ? null : this;
          });
      return taken;
    }
  }
}
