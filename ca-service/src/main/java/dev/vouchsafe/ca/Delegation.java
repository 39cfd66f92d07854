package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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

  private final Maker maker;
  private final Instant deviceEnd;
  private final InstantSource clock;
  private final Pace pace;
  private final UnderWay underWay;
  private final ThreadPoolExecutor thread;
  private final AtomicReference<@Nullable CompletableFuture<?>> making = new AtomicReference<>();
  private volatile @Nullable LeafSigner current;

  /** By {@link Pace#nanoTime}. */
  private volatile @Nullable Long failedAt;

  private volatile boolean over;

  /**
   * @param deviceEnd when the device CA ends: a later issuing CA would live no longer
   * @param underWay counts the making of one, too
   */
  Delegation(Maker maker, Instant deviceEnd, InstantSource clock, Pace pace, UnderWay underWay) {
    this.maker = maker;
    this.deviceEnd = deviceEnd;
    this.clock = clock;
    this.pace = pace;
    this.underWay = underWay;
    this.thread = IdleThreads.one("vouchsafe-issuing-ca");
  }

  /** The issuing CA, if there is one that is valid then. */
  Optional<LeafSigner> at(Instant now) {
    return Optional.ofNullable(current).filter(known -> known.issuer().isValidAt(now));
  }

  /**
   * Has the next one made if it is time to. Nobody waits for it who can go on with the present one.
   *
   * @return completes, never exceptionally, when there is one or it is clear that there is none for
   *     now, but after {@link Pace#keyWait} at the latest
   */
  CompletableFuture<?> ready(Instant now) {
    Optional<LeafSigner> usable = at(now);
    if (usable.isPresent() && !isHalfOver(usable.get().issuer(), now)) {
      return DONE;
    }
    CompletableFuture<?> next = begin();
    return usable.isPresent()
        ? DONE
        : next.copy()
            .orTimeout(pace.keyWait().toNanos(), TimeUnit.NANOSECONDS)
            .handle((made, timeout) -> null);
  }

  private boolean isHalfOver(Issuer issuer, Instant now) {
    Duration half = Duration.between(issuer.notBefore(), issuer.notAfter()).dividedBy(2);
    return issuer.notAfter().isBefore(deviceEnd) && !now.isBefore(issuer.notBefore().plus(half));
  }

  private CompletableFuture<?> begin() {
    Long failed = failedAt;
    if (over || (failed != null && pace.nanoTime().getAsLong() - failed < PAUSE_NANOS)) {
      return DONE;
    }
    CompletableFuture<@Nullable Void> fresh = new CompletableFuture<>();
    CompletableFuture<?> known = making.compareAndExchange(null, fresh);
    if (known != null) {
      return known;
    }
    if (!underWay.enter()) {
      making.set(null);
      return DONE;
    }
    thread.execute(() -> {
      // Through a future, so that an Error, too, ends the making.
      var _ =
          DONE.thenRun(this::make)
              .whenComplete((made, failure) -> {
                making.set(null);
                underWay.leave();
                fresh.complete(null);
              });
    });
    return fresh;
  }

  /**
   * Makes the next one now, on this thread; the present one is destroyed when those who hold it
   * have let it go.
   */
  void make() {
    boolean made = false;
    try {
      LeafSigner next = maker.make();
      LeafSigner last = current;
      current = next;
      made = true;
      if (last != null) {
        last.key().destroy();
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

  /** Destroys the key, after those who hold it have let it go, and makes none any more. */
  void close() {
    over = true;
    LeafSigner last = current;
    current = null;
    if (last != null) {
      last.key().destroy();
    }
  }
}
