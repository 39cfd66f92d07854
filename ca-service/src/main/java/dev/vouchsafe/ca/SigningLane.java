package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import org.jspecify.annotations.Nullable;

/**
 * The way into a key store that is slow, or may be: a few threads of its own, and a bounded queue
 * in front of them. So what waits for a token holds up nothing that doesn't need it, and who has
 * waited for long enough is told "unavailable" and signs nothing any more.
 *
 * <p>What tells of revocations has a place of its own: modules that keep the store busy, perhaps
 * just those that were revoked, don't keep a list from being signed.
 */
final class SigningLane {
  /** What has to hold still when it is its turn. */
  interface Condition {
    /** Nothing. */
    Condition NONE = () -> {};

    /**
     * Looks.
     *
     * @throws IssuanceException if it is not to be signed any more
     */
    void require() throws IssuanceException;
  }

  /** More than a token signs at once; one that is slow gains nothing from more. */
  private static final int THREADS = 4;

  private static final int MOST_WAITING = 1024;
  private static final int MOST_FIRST = 16;
  private static final Duration PATIENCE = Duration.ofMillis(500);

  /** A store that takes longer for one signature is as good as away. */
  private static final Duration LONGEST = Duration.ofSeconds(4);

  private final ThreadPoolExecutor threads;
  private final ThreadPoolExecutor first;
  private final Overdue turns = new Overdue(PATIENCE);
  private final Overdue signatures = new Overdue(LONGEST);

  /**
   * @param store name of the key store, for the threads' names
   */
  SigningLane(String store) {
    threads = IdleThreads.several(THREADS, MOST_WAITING, "vouchsafe-" + store + "-");
    first = IdleThreads.several(1, MOST_FIRST, "vouchsafe-" + store + "-lists-");
  }

  /**
   * Signs when it is its turn, if the condition holds then.
   *
   * <p>A signature that comes too late is thrown away. Nobody gets it, but it was made: what the
   * ledger knows of it stands.
   *
   * @return completes on a thread of the lane or a timer's, on which nothing may wait
   */
  CompletableFuture<byte[]> sign(SigningKey key, Ledger.DurableIntent intent, Condition condition) {
    CompletableFuture<byte[]> signed = new CompletableFuture<>();
    CompletableFuture<@Nullable Void> turn = new CompletableFuture<>();
    try {
      threads.execute(() -> {
        // Whoever comes first decides: the turn, or the end of the patience.
        if (turn.complete(null)) {
          sign(key, intent, condition, signed);
        }
      });
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(busy());
    }
    var _ =
        turns
            .end(turn)
            .whenComplete((begun, timeout) -> {
              if (timeout != null) {
                signed.completeExceptionally(busy());
              }
            });
    return signatures.end(signed);
  }

  /** The same for a list, or for who answers in the place of one: before all others that wait. */
  CompletableFuture<byte[]> signFirst(
      SigningKey key, Ledger.DurableIntent intent, Condition condition) {
    CompletableFuture<byte[]> signed = new CompletableFuture<>();
    try {
      first.execute(() -> {
        // Not for whom nobody waits any more.
        if (!signed.isDone()) {
          sign(key, intent, condition, signed);
        }
      });
    } catch (RejectedExecutionException e) {
      return CompletableFuture.failedFuture(busy());
    }
    return signatures.end(signed);
  }

  private static void sign(
      SigningKey key,
      Ledger.DurableIntent intent,
      Condition condition,
      CompletableFuture<byte[]> signed) {
    var _ =
        CompletableFuture.completedFuture(intent)
            .thenApply(durable -> signature(key, durable, condition))
            .whenComplete((signature, failure) -> end(signed, signature, failure));
  }

  /** The signature, with the exception in the form in which a future passes it on. */
  static byte[] signature(SigningKey key, Ledger.DurableIntent intent, Condition condition) {
    try {
      condition.require();
      return key.sign(intent);
    } catch (IssuanceException e) {
      throw new CompletionException(e);
    }
  }

  private static void end(
      CompletableFuture<byte[]> signed, byte @Nullable [] signature, @Nullable Throwable failure) {
    if (failure == null) {
      signed.complete(signature);
    } else {
      signed.completeExceptionally(failure);
    }
  }

  private static IssuanceException busy() {
    return new IssuanceException(
        Reason.KEY_STORE_UNAVAILABLE, "the key store has more to sign than it can");
  }
}
