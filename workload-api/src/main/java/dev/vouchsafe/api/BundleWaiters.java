package dev.vouchsafe.api;

import dev.vouchsafe.trust.TrustBundles;
import io.netty.util.concurrent.EventExecutorGroup;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Those who wait for the next trust bundle. They hang on one future for each version, however many
 * come and go: a future keeps what was hung on it until it completes, which may be never.
 */
final class BundleWaiters implements AutoCloseable {
  private final TrustBundles bundles;
  private final EventExecutorGroup timers;
  private final Quota places;
  private final Set<Waiter> waiters = ConcurrentHashMap.newKeySet();
  private long subscribed;
  private volatile boolean closed;

  /**
   * @param places how many may wait, in all and for each owner
   */
  BundleWaiters(TrustBundles bundles, EventExecutorGroup timers, Quota places) {
    this.bundles = bundles;
    this.timers = timers;
    this.places = places;
  }

  /**
   * Waits until there is a bundle after that version, the time is over, or the peer hangs up.
   *
   * @param ended runs once, on any thread
   * @throws Failure if too many wait
   */
  void add(Exchange exchange, long sequence, Duration longest, Runnable ended) throws Failure {
    Object owner = exchange.peer().owner();
    if (!places.enter(owner)) {
      throw Failure.of(Problem.TOO_MANY_REQUESTS, "too many wait for the trust bundle");
    }
    exchange.whenDone(() -> places.leave(owner));
    Waiter waiter = new Waiter(ended);
    waiters.add(waiter);
    waiter.timer = timers.schedule(waiter::end, longest.toMillis(), TimeUnit.MILLISECONDS);
    exchange.whenHungUp(waiter::end);
    subscribe(sequence);
    if (closed || bundles.current().sequence() > sequence) {
      waiter.end();
    }
  }

  /** Ends every wait. */
  @Override
  public void close() {
    closed = true;
    wake();
  }

  private void subscribe(long sequence) {
    synchronized (this) {
      if (sequence <= subscribed) {
        return;
      }
      subscribed = sequence;
    }
    CompletableFuture<?> _ = bundles.after(sequence).thenAccept(next -> wake());
  }

  private void wake() {
    waiters.forEach(Waiter::end);
  }

  /** One who waits; ends once. */
  private final class Waiter {
    private final Runnable ended;
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile @Nullable Future<?> timer;

    Waiter(Runnable ended) {
      this.ended = ended;
    }

    void end() {
      if (!over.compareAndSet(false, true)) {
        return;
      }
      waiters.remove(this);
      Future<?> pending = timer;
      if (pending != null) {
        pending.cancel(false);
      }
      ended.run();
    }
  }
}
