package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Takes steps one at a time, on a thread of its own: a key store's library may hang for ever, and
 * whoever asks for a step does not.
 */
final class StepRunner {
  /** One step, on the authorities as the ledger has them when it begins. */
  interface Step<T> {
    CompletableFuture<T> take(AuthorityChain chain) throws IssuanceException, KeyFault, IOException;
  }

  /** Told how a step ended for which nobody waits any more. */
  interface Late<T> {
    void ended(@Nullable T done, @Nullable Throwable failure);
  }

  /** Many steps take no longer. */
  private static final Duration A_MOMENT = Duration.ofSeconds(5);

  private final AuthorityParts parts;
  private final UnderWay underWay;
  private final Semaphore step = new Semaphore(1);
  private final ThreadPoolExecutor thread = IdleThreads.one("vouchsafe-authority-step");

  StepRunner(AuthorityParts parts, UnderWay underWay) {
    this.parts = parts;
    this.underWay = underWay;
  }

  /**
   * Takes a step. Until it has ended, also after whoever asked has stopped waiting, no other
   * begins.
   *
   * @param late told how it ended, if that is after whoever asked has stopped waiting
   */
  <T> T alone(Duration longest, Step<T> wanted, Late<T> late) throws IssuanceException {
    begin();
    CompletableFuture<T> ended;
    boolean begun = false;
    try {
      ended =
          CompletableFuture.completedFuture(wanted)
              .thenComposeAsync(this::taken, thread)
              .whenComplete((info, failure) -> end());
      begun = true;
    } finally {
      if (!begun) {
        end();
      }
    }
    return await(ended, longest, late);
  }

  private <T> CompletableFuture<T> taken(Step<T> wanted) {
    try {
      return wanted.take(parts.chain());
    } catch (IssuanceException e) {
      return CompletableFuture.failedFuture(e);
    } catch (KeyFault e) {
      return CompletableFuture.failedFuture(Failures.told(e));
    } catch (IOException e) {
      return CompletableFuture.failedFuture(
          new IssuanceException(Reason.LEDGER_UNAVAILABLE, String.valueOf(e.getMessage()), e));
    }
  }

  private void begin() throws IssuanceException {
    if (!step.tryAcquire()) {
      throw new IssuanceException(
          Reason.AUTHORITY_UNAVAILABLE,
          "another change of an authority is under way: wait for its end",
          A_MOMENT);
    }
    if (!underWay.enter()) {
      step.release();
      throw new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, "the service is closing");
    }
  }

  private void end() {
    underWay.leave();
    step.release();
  }

  private static <T> T await(CompletableFuture<T> step, Duration longest, Late<T> late)
      throws IssuanceException {
    try {
      return step.get(longest.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw Failures.answer(e.getCause(), "the new authority", Reason.SIGNATURE_FAILED);
    } catch (TimeoutException e) {
      var _ = step.whenComplete(late::ended);
      throw new IssuanceException(
          Reason.KEY_STORE_UNAVAILABLE,
          "the key store, or the disk, takes long over it, and it goes on: `vouchsafe ca status` says"
              + " what becomes of it",
          e);
    } catch (InterruptedException e) {
      var _ = step.whenComplete(late::ended);
      Thread.currentThread().interrupt();
      throw new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, "interrupted", e);
    }
  }
}
