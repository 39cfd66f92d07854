package dev.vouchsafe.api;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Threads that requests are worked on, off the event loops.
 *
 * @param threads with a bounded queue in front
 */
record Workers(ExecutorService threads) {
  private static final QuietLog LOG = new QuietLog(Workers.class);

  /**
   * Hands work to them.
   *
   * @throws Failure if they take no more: because too much waits, or because they stop
   */
  void execute(Runnable work) throws Failure {
    try {
      threads.execute(work);
    } catch (RejectedExecutionException e) {
      throw threads.isShutdown()
          ? Failure.of(Problem.STOPPING, "the service is stopping")
          : Failure.of(Problem.TOO_MANY_REQUESTS, "too many requests are waiting");
    } catch (OutOfMemoryError e) {
      // What the pool throws if the system lets it start no thread; it has not taken the work then.
      LOG.error("no thread can be started", e);
      throw Failure.of(Problem.TOO_MANY_REQUESTS, "no thread can be started");
    }
  }

  /** Has an answer made by them; an edge: whatever happens there, the caller is answered. */
  void answer(Exchange exchange, Function<Failure, Response> errors, Supplier<Response> answer)
      throws Failure {
    execute(() -> exchange.answer(answered(errors, answer)));
  }

  private static Response answered(Function<Failure, Response> errors, Supplier<Response> answer) {
    try {
      return answer.get();
    } catch (RuntimeException e) {
      return errors.apply(unexpected(e));
    }
  }

  /** What to say of a failure of our own: nothing but that. */
  static Failure unexpected(RuntimeException e) {
    LOG.error("a request failed", e);
    return Failure.of(Problem.INTERNAL, "the request failed; see the log");
  }
}
