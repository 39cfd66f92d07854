package dev.vouchsafe.api;

import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.attestation.Registrations;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Those who match no registration yet and rather wait for theirs than be refused.
 *
 * <p>A wait decides nothing: when it ends, because a registration holds or the time is over, the
 * request goes the way that it would have gone without it, with all its looks. Until then it holds
 * neither a worker nor a turn. One timer looks for all whether the registrations changed, and then
 * each is measured again.
 */
final class RegistrationWaits implements AutoCloseable {
  static final int LONGEST_SECONDS = 60;
  private static final Duration LOOK = Duration.ofMillis(250);

  /** How long somebody who can't be measured now is left alone. */
  private static final long AGAIN_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Registrations registrations;
  private final Attestation attestation;
  private final Workers workers;
  private final CallerWorkers lookers;
  private final Quota places;
  private final Set<Waiter> waiters = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean looking = new AtomicBoolean();
  private final Future<?> timer;
  private volatile boolean closed;

  /**
   * @param places how many may wait, in all and for each owner
   */
  RegistrationWaits(
      Registrations registrations,
      Attestation attestation,
      Workers workers,
      CallerWorkers lookers,
      EventExecutorGroup timers,
      Quota places) {
    this.registrations = registrations;
    this.attestation = attestation;
    this.workers = workers;
    this.lookers = lookers;
    this.places = places;
    this.timer =
        timers.scheduleWithFixedDelay(
            this::tick, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS);
  }

  /**
   * Starts a request at once, or once it need not wait any more. Runs on the event loop.
   *
   * @param start runs on the event loop, also if the caller has said all that it has to say
   * @throws Failure if the wait that it asks for is none, or too many wait
   */
  void start(Exchange exchange, Runnable start) throws Failure {
    Optional<String> asked = exchange.request().parameter("wait");
    CallerLease lease = exchange.peer().caller();
    if (asked.isEmpty() || lease == null) {
      start.run();
      return;
    }
    hold(exchange, lease, Duration.ofSeconds(seconds(asked.get())), start);
  }

  /**
   * Starts a request once a registration holds for its caller, or the time is over. Runs on the
   * event loop.
   *
   * @param start as above
   * @throws Failure if too many wait
   */
  void hold(Exchange exchange, CallerLease lease, Duration longest, Runnable start) throws Failure {
    Object owner = exchange.peer().owner();
    if (!places.enter(owner)) {
      throw Failure.of(Problem.TOO_MANY_REQUESTS, "too many wait for a registration");
    }
    Waiter waiter = new Waiter(exchange, lease, System.nanoTime() + longest.toNanos(), start);
    exchange.whenDone(() -> {
      waiter.over.set(true);
      waiters.remove(waiter);
      places.leave(owner);
    });
    exchange.whenHungUp(waiter::end);
    waiters.add(waiter);
    waiter.look();
    if (closed) {
      waiter.end();
    }
  }

  private static int seconds(String asked) throws Failure {
    int seconds = asked.matches("[0-9]{1,2}") ? Integer.parseInt(asked) : 0;
    if (seconds < 1 || seconds > LONGEST_SECONDS) {
      throw Failure.of(
          Problem.REQUEST_INVALID,
          "wait: is no whole number of seconds from 1 to " + LONGEST_SECONDS);
    }
    return seconds;
  }

  /** On an event loop, which a look at the registrations' folder must not hold up. */
  private void tick() {
    if (waiters.isEmpty() || !looking.compareAndSet(false, true)) {
      return;
    }
    try {
      workers.execute(this::lookForAll);
    } catch (Failure busyOrStopping) {
      looking.set(false);
    }
  }

  private void lookForAll() {
    try {
      RegistrationSet now = registrations.current();
      long nanos = System.nanoTime();
      for (Waiter waiter : waiters) {
        if (nanos - waiter.deadline >= 0) {
          waiter.end();
        } else if (waiter.isDue(now, nanos)) {
          waiter.look();
        }
      }
    } finally {
      looking.set(false);
    }
  }

  /** Ends every wait. */
  @Override
  public void close() {
    closed = true;
    timer.cancel(false);
    waiters.forEach(Waiter::end);
  }

  /** One who waits; ends once. */
  private final class Waiter implements CallerWorkers.Work {
    private final Exchange exchange;
    private final CallerLease lease;
    private final long deadline;
    private final Runnable start;
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicBoolean measuring = new AtomicBoolean();
    private volatile @Nullable RegistrationSet seen;
    private volatile boolean begun;
    private volatile boolean untold;
    private volatile long lookedAt;

    Waiter(Exchange exchange, CallerLease lease, long deadline, Runnable start) {
      this.exchange = exchange;
      this.lease = lease;
      this.deadline = deadline;
      this.start = start;
    }

    boolean isDue(RegistrationSet now, long nanos) {
      return !now.equals(seen) || (untold && nanos - lookedAt >= AGAIN_NANOS);
    }

    void look() {
      if (!measuring.compareAndSet(false, true)) {
        return;
      }
      try {
        lookers.execute(exchange.peer().owner(), this);
      } catch (Failure busyOrStopping) {
        measuring.set(false);
      }
    }

    @Override
    public void run() {
      begun = true;
      try {
        if (!over.get() && lease.acquire()) {
          try {
            probe();
          } finally {
            lease.release();
          }
        }
      } finally {
        begun = false;
        measuring.set(false);
      }
    }

    /** One that hangs is not looked at again before that has ended. */
    @Override
    public void givenUp(Failure why) {
      if (!begun) {
        measuring.set(false);
      }
    }

    private void probe() {
      // Taken before the look: what changes during it is looked at again.
      seen = registrations.current();
      Attestation.Chance chance =
          attestation.chance(lease.caller(), exchange.request().parameter("module"));
      untold = chance == Attestation.Chance.UNTOLD;
      lookedAt = System.nanoTime();
      if (chance == Attestation.Chance.GOOD) {
        end();
      }
    }

    /** Goes on with the request. */
    void end() {
      if (over.compareAndSet(false, true)) {
        waiters.remove(this);
        exchange.later(start);
      }
    }
  }
}
