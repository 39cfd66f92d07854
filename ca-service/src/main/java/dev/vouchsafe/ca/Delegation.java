package dev.vouchsafe.ca;

import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.KeyFault;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The issuing CA of one device CA. It is made anew in the background when half of its life is over,
 * so that each overlaps the next by the other half; while none can be made, the present one goes on
 * to its end.
 */
final class Delegation {
  /** Makes an issuing CA; the device CA signs it. */
  interface Maker {
    LeafSigner make() throws KeyFault, IssuanceException;
  }

  /**
   * After a failure none is tried for this long, so that a lost token isn't asked at every call.
   */
  private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final CompletableFuture<@Nullable Void> DONE =
      CompletableFuture.completedFuture(null);
  private static final System.Logger LOG = System.getLogger(Delegation.class.getName());

  /**
   * One that was made.
   *
   * @param madeAt when: its certificate is back-dated
   * @param epoch of the clock, by which it was made
   */
  private record Delegate(LeafSigner signer, Instant madeAt, long epoch) {
    boolean isHalfOver(Instant now) {
      Duration life = Duration.between(madeAt, signer.issuer().notAfter());
      return !now.isBefore(madeAt.plus(life.dividedBy(2)));
    }
  }

  /**
   * One that is being made.
   *
   * @param since by {@link Pace#nanoTime}
   * @param done completes, never exceptionally, when it is made or can't be
   */
  private record Making(long since, CompletableFuture<@Nullable Void> done) {}

  private final Maker maker;
  private final Instant deviceEnd;
  private final TrustedClock clock;
  private final Pace pace;
  private final UnderWay underWay;
  private final ThreadPoolExecutor thread;
  private final AtomicReference<@Nullable Making> making = new AtomicReference<>();
  private volatile @Nullable Delegate current;

  /** By {@link Pace#nanoTime}. */
  private volatile @Nullable Long failedAt;

  private volatile boolean over;

  /**
   * @param deviceEnd when the device CA ends: a later issuing CA would live no longer
   * @param underWay counts the making of one, too
   */
  Delegation(Maker maker, Instant deviceEnd, TrustedClock clock, Pace pace, UnderWay underWay) {
    this.maker = maker;
    this.deviceEnd = deviceEnd;
    this.clock = clock;
    this.pace = pace;
    this.underWay = underWay;
    this.thread = IdleThreads.one("vouchsafe-issuing-ca");
  }

  /** The issuing CA, if there is one that is valid then. */
  Optional<LeafSigner> at(Instant now) {
    return valid(now).map(Delegate::signer);
  }

  private Optional<Delegate> valid(Instant now) {
    return Optional.ofNullable(current).filter(known -> known.signer().issuer().isValidAt(now));
  }

  /**
   * Has the next one made if it is time to. Nobody waits for it who can go on with the present one,
   * and nobody for one that has been waited for in vain already.
   *
   * @return completes, never exceptionally, when there is one or it is clear that there is none for
   *     now, but after {@link Pace#keyWait} at the latest
   */
  CompletableFuture<?> ready(Instant now) {
    Optional<Delegate> usable = valid(now);
    if (usable.isPresent() && !isDue(usable.get(), now)) {
      return DONE;
    }
    Making next = begin(now);
    if (usable.isPresent() || next == null) {
      return DONE;
    }
    long left = pace.keyWait().toNanos() - (pace.nanoTime().getAsLong() - next.since());
    return left <= 0
        ? DONE
        : next.done().copy().orTimeout(left, TimeUnit.NANOSECONDS).handle((made, timeout) -> null);
  }

  private boolean isDue(Delegate known, Instant now) {
    return known.epoch() != clock.epoch()
        || (known.signer().issuer().notAfter().isBefore(deviceEnd) && known.isHalfOver(now));
  }

  /** The one that is being made, from now on perhaps; nothing if none is to be now. */
  private @Nullable Making begin(Instant now) {
    Long failed = failedAt;
    if (over || (failed != null && pace.nanoTime().getAsLong() - failed < PAUSE_NANOS)) {
      return null;
    }
    Making fresh = new Making(pace.nanoTime().getAsLong(), new CompletableFuture<>());
    Making known = making.compareAndExchange(null, fresh);
    if (known != null) {
      return known;
    }
    if (valid(now).filter(made -> !isDue(made, now)).isPresent()) {
      // It was made since the caller looked: one signature of a slow key store is enough.
      making.set(null);
      fresh.done().complete(null);
      return null;
    }
    return begin(fresh);
  }

  private @Nullable Making begin(Making fresh) {
    boolean begun = false;
    boolean entered = underWay.enter();
    try {
      if (entered) {
        thread.execute(() -> make(fresh));
        begun = true;
      }
      return begun ? fresh : null;
    } finally {
      if (!begun) {
        making.set(null);
        // Who came meanwhile and got it goes on, too.
        fresh.done().complete(null);
        if (entered) {
          underWay.leave();
        }
      }
    }
  }

  /**
   * The edge of the thread: whatever is thrown, an Error too, ends the making and is in the log.
   */
  private void make(Making fresh) {
    var _ =
        DONE.thenRun(this::make)
            .whenComplete((made, failure) -> {
              making.set(null);
              underWay.leave();
              fresh.done().complete(null);
              if (failure != null) {
                LOG.log(
                    System.Logger.Level.ERROR, "making an issuing CA failed unexpectedly", failure);
              }
            });
  }

  /** The present one is destroyed when those who hold it have let it go. */
  private void make() {
    boolean made = false;
    try {
      long epoch = clock.epoch();
      Instant madeAt = clock.instant();
      Delegate next = new Delegate(maker.make(), madeAt, epoch);
      Delegate last = current;
      current = next;
      made = true;
      if (last != null) {
        last.signer().key().destroy();
      }
      if (over) {
        // It was given up meanwhile.
        close();
      }
    } catch (KeyFault | IssuanceException e) {
      tell(e);
    } finally {
      failedAt = made ? null : Long.valueOf(pace.nanoTime().getAsLong());
    }
  }

  private void tell(Exception failure) {
    if (failedAt == null) {
      LOG.log(
          System.Logger.Level.WARNING,
          "no new issuing CA can be made, {0}: {1}",
          at(clock.instant()).isPresent() ? "the present one goes on" : "the device CA issues",
          failure.getMessage());
    }
  }

  /** Goes on without the issuing CA of that row, whose key is destroyed. */
  void drop(long row) {
    Delegate last = current;
    if (last != null && last.signer().authority().row().row() == row) {
      current = null;
      try {
        thread.execute(last.signer().key()::destroy);
      } catch (RejectedExecutionException e) {
        last.signer().key().destroy();
      }
    }
  }

  /** Makes none any more, and has the key destroyed on a thread of its own, which may take long. */
  void giveUp() {
    over = true;
    try {
      thread.execute(this::close);
    } catch (RejectedExecutionException e) {
      close();
    }
  }

  /** Destroys the key, after those who hold it have let it go, and makes none any more. */
  void close() {
    over = true;
    Delegate last = current;
    current = null;
    if (last != null) {
      last.signer().key().destroy();
    }
  }
}
