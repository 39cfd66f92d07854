package dev.vouchsafe.api;

import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.Future;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;

/**
 * The workers, for work that looks at a process. Such work may hang for as long as that process's
 * user likes: the kernel lets a look wait for an {@code exec} or a mapping that is under way, these
 * wait for a file system of the user's own, and no such wait can be broken off.
 *
 * <p>So whatever takes long is replaced by another thread, and is a matter of its user only: of
 * each user a few such works are under way at a time, and what else there is of his waits for their
 * end. After some more time they are given up, which their callers are told; as long as they are
 * still there, all that comes of that user is given up at once. What takes long is a matter of who
 * waits: while another user does, it is far less.
 *
 * <p>And whoever has the fewest works under way comes first to a thread that is free.
 *
 * <p>Invariant: a user has a lot exactly while some work of his is slow; work is held only there.
 */
final class CallerWorkers {
  /** Work for a user, done on a worker. */
  interface Work extends Runnable {
    /** Others need not wait for it: it takes long, or waits for what does. Not always only once. */
    default void slow() {
      // Nobody waits for it.
    }

    /** Nobody is to wait for it any more. It may be under way still, or never begins. */
    void givenUp(Failure why);
  }

  /** More than a look at a well-behaved process takes, unless it has a file hashed. */
  private static final long SLOW_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  /** The same while another user waits for a thread. */
  private static final long SLOW_FOR_OTHERS_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** Longer than all that we wait for ourselves: hashes, engines, tables of descriptors. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long LOOK_MILLIS = 10;

  /** How many slow works each user may have under way, and how many all together. */
  private static final int SHARE = 4;

  static final int MOST_SLOW = 256;

  private static final QuietLog LOG = new QuietLog(CallerWorkers.class);

  private final Workers workers;
  private final IntConsumer heldUp;
  private final LongSupplier nanos;
  private final Set<Job> running = ConcurrentHashMap.newKeySet();
  private final FairLine<Job> line = new FairLine<>();

  /** By user; guarded by this, like all slow jobs. */
  private final Map<Object, Lot> lots = new HashMap<>();

  private int slow;
  private volatile boolean anySlow;

  /**
   * @param heldUp is told how many threads are held up, at most {@link #MOST_SLOW}, whenever that
   *     changes: so many are to be added
   * @param nanos as {@link System#nanoTime}
   */
  CallerWorkers(Workers workers, IntConsumer heldUp, LongSupplier nanos) {
    this.workers = workers;
    this.heldUp = heldUp;
    this.nanos = nanos;
  }

  /** Looks at what is under way from now on, as long as those timers run. */
  void watch(EventExecutorGroup timers) {
    Future<?> _ =
        timers.scheduleWithFixedDelay(this::look, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  /**
   * Has work done as soon as a worker is free, and the user's share allows it.
   *
   * @param user whose process it looks at
   * @throws Failure if the workers take no more
   */
  void execute(Object user, Work work) throws Failure {
    lineUp(new Job(user, work));
  }

  /** There are as many threads called as jobs in line, whichever takes which. */
  private void lineUp(Job job) throws Failure {
    line.add(job.user, job);
    try {
      workers.execute(this::takeNext);
    } catch (Failure busyOrStopping) {
      if (line.remove(job.user, job)) {
        throw busyOrStopping;
      }
      // Another's thread has taken it: the one that it was called for has none now.
      Job left = line.next();
      if (left != null) {
        line.ended(left.user);
        left.work.givenUp(busyOrStopping);
      }
    }
  }

  private void takeNext() {
    Job job = line.next();
    if (job != null) {
      try {
        job.run();
      } finally {
        line.ended(job.user);
      }
    }
  }

  /** What is slow of one user. */
  private static final class Lot {
    private final List<Job> held = new ArrayList<>();
    private int slow;
    private int givenUp;

    private List<Job> release() {
      List<Job> released = List.copyOf(held);
      held.clear();
      return released;
    }
  }

  private enum Stage {
    QUICK,
    SLOW,
    GIVEN_UP,
    ENDED
  }

  private final class Job {
    private final Object user;
    private final Work work;

    /** Leaves {@code SLOW} and {@code GIVEN_UP}, and comes to them, under the lock only. */
    private final AtomicReference<Stage> stage = new AtomicReference<>(Stage.QUICK);

    private long started;

    Job(Object user, Work work) {
      this.user = user;
      this.work = work;
    }

    void run() {
      if (anySlow && !mayStart(this)) {
        return;
      }
      started = nanos.getAsLong();
      running.add(this);
      try {
        work.run();
      } finally {
        running.remove(this);
        if (!stage.compareAndSet(Stage.QUICK, Stage.ENDED)) {
          slowEnded(this);
        }
      }
    }
  }

  /** Fewer when many users have some: so that there is a share for many more. */
  private int share() {
    return slow < MOST_SLOW / 2 ? SHARE : 1;
  }

  private boolean mayStart(Job job) {
    boolean hopeless;
    synchronized (this) {
      Lot lot = lots.get(job.user);
      if (lot == null || lot.slow < share()) {
        return true;
      }
      hopeless = lot.givenUp >= share();
      if (!hopeless) {
        lot.held.add(job);
      }
    }
    if (hopeless) {
      job.work.givenUp(unavailable());
    } else {
      job.work.slow();
    }
    return false;
  }

  /** Tells those that take long from the others. An edge: whatever fails, it looks again. */
  void look() {
    long now = nanos.getAsLong();
    for (Job job : running) {
      try {
        judge(job, now - job.started);
      } catch (RuntimeException | Error e) {
        LOG.error("a slow look could not be told from the others", e);
      }
    }
  }

  private void judge(Job job, long age) {
    if (job.stage.get() == Stage.QUICK
        && (age >= SLOW_NANOS || (age >= SLOW_FOR_OTHERS_NANOS && line.hasOthers(job.user)))) {
      becomeSlow(job);
    }
    if (age >= PATIENCE_NANOS && job.stage.get() == Stage.SLOW) {
      giveUp(job);
    }
  }

  private void becomeSlow(Job job) {
    synchronized (this) {
      if (!job.stage.compareAndSet(Stage.QUICK, Stage.SLOW)) {
        return;
      }
      lots.computeIfAbsent(job.user, first -> new Lot()).slow++;
      count(1);
    }
    job.work.slow();
  }

  private void count(int change) {
    slow += change;
    anySlow = slow > 0;
    heldUp.accept(Math.min(slow, MOST_SLOW));
  }

  private void giveUp(Job job) {
    List<Job> hopeless = new ArrayList<>(List.of(job));
    List<Job> released = List.of();
    synchronized (this) {
      Lot lot = lots.get(job.user);
      if (lot == null || !job.stage.compareAndSet(Stage.SLOW, Stage.GIVEN_UP)) {
        return;
      }
      lot.givenUp++;
      if (lot.givenUp >= share()) {
        hopeless.addAll(lot.release());
      } else if (lot.slow < share()) {
        // The shares have grown since these were held.
        released = lot.release();
      }
    }
    LOG.warning("a look at a process hangs: " + job.user);
    hopeless.forEach(each -> each.work.givenUp(unavailable()));
    released.forEach(this::again);
  }

  private void slowEnded(Job job) {
    List<Job> released = List.of();
    synchronized (this) {
      Lot lot = lots.get(job.user);
      if (lot == null) {
        throw new IllegalStateException("slow work without a lot");
      }
      lot.slow--;
      if (job.stage.getAndSet(Stage.ENDED) == Stage.GIVEN_UP) {
        lot.givenUp--;
      }
      count(-1);
      if (lot.slow < share()) {
        released = lot.release();
      }
      if (lot.slow == 0) {
        lots.remove(job.user);
      }
    }
    released.forEach(this::again);
  }

  private void again(Job job) {
    try {
      lineUp(job);
    } catch (Failure busyOrStopping) {
      job.work.givenUp(busyOrStopping);
    }
  }

  private static Failure unavailable() {
    return Failure.of(
        Problem.ATTESTATION_UNAVAILABLE, "the caller can't be measured now; ask again later");
  }
}
