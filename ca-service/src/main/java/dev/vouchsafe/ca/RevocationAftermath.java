package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadPoolExecutor;
import org.jspecify.annotations.Nullable;

/**
 * What follows a write about revocations, once that has ended, whether somebody still waits for it
 * or not: on one thread, one after the other, so that each finds in the ledger all that those
 * before it found, and what it puts into memory is never older than what stands there.
 */
final class RevocationAftermath implements AutoCloseable {
  /** One thing that follows. */
  interface Step {
    /**
     * Does it.
     *
     * @throws IssuanceException if the ledger can't be read; whoever waits is told
     */
    void take() throws IssuanceException;
  }

  /** What is written by then is acknowledged. */
  private static final Duration WAITS = Duration.ofSeconds(10);

  private static final System.Logger LOG = System.getLogger(RevocationAftermath.class.getName());

  private final ThreadPoolExecutor thread = IdleThreads.one("vouchsafe-revocation");
  private final Duration longest;

  RevocationAftermath() {
    this(WAITS);
  }

  /**
   * @param longest how long anyone waits
   */
  RevocationAftermath(Duration longest) {
    this.longest = longest;
  }

  /**
   * Has that follow the write, whatever became of it, and waits for both.
   *
   * @return what the write came to
   * @throws IssuanceException if it was not done, or nobody knows yet
   */
  <T extends @Nullable Object> T await(CompletableFuture<T> write, Step step)
      throws IssuanceException {
    CompletableFuture<T> both =
        write
            .whenCompleteAsync((done, failure) -> take(step), thread)
            .whenComplete((done, failure) -> tell(write, failure));
    KeyLedger.await(both, longest);
    return both.join();
  }

  /** A failure of the write itself is what whoever waits is told, whatever this comes to. */
  private static void take(Step step) {
    try {
      step.take();
    } catch (IssuanceException e) {
      throw new CompletionException(e);
    }
  }

  /** The edge of the thread: what goes wrong after the write is in the log, waited for or not. */
  private static void tell(CompletableFuture<?> write, @Nullable Throwable failure) {
    if (failure != null && !write.isCompletedExceptionally()) {
      LOG.log(System.Logger.Level.ERROR, "what follows a revocation failed", failure);
    }
  }

  @Override
  public void close() {
    thread.shutdown();
  }
}
