package dev.vouchsafe.api;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** An exchange on a connection: carries the answer from any thread to the event loop. */
final class HttpExchange implements Exchange {
  private final HttpConnection connection;
  private final Request request;
  private final Peer peer;
  private final AtomicBoolean answered = new AtomicBoolean();
  private final List<Runnable> doneActions = new ArrayList<>(2);
  private @Nullable Runnable hungUpAction;

  HttpExchange(HttpConnection connection, Request request, Peer peer) {
    this.connection = connection;
    this.request = request;
    this.peer = peer;
  }

  @Override
  public Request request() {
    return request;
  }

  @Override
  public Peer peer() {
    return peer;
  }

  @Override
  public boolean answer(Response response, Runnable lost) {
    if (!answered.compareAndSet(false, true)) {
      return false;
    }
    connection.answering(request, response);
    var loop = connection.context().executor();
    if (loop.inEventLoop()) {
      connection.answer(this, response, lost);
      return true;
    }
    try {
      loop.execute(() -> connection.answer(this, response, lost));
    } catch (RejectedExecutionException stopped) {
      // The loop has ended, and with it all that could run beside this.
      lost.run();
      done();
    }
    return true;
  }

  /** Answers that we failed, unless it was answered. */
  void fail(Routes routes) {
    Failure failure = Failure.of(Problem.INTERNAL, "the request failed; see the log");
    answer(routes.refusal(failure), NOTHING_LOST);
  }

  @Override
  public void whenDone(Runnable action) {
    doneActions.add(action);
  }

  @Override
  public void whenHungUp(Runnable action) {
    hungUpAction = action;
  }

  @Override
  public void later(Runnable action) {
    try {
      connection.context().executor().execute(action);
    } catch (RejectedExecutionException stopped) {
      // The loop has ended, and this exchange with it.
      return;
    }
  }

  /** The exchange has ended; runs on the event loop. */
  void done() {
    hungUpAction = null;
    doneActions.forEach(Runnable::run);
    doneActions.clear();
  }

  /** The peer has gone, or at least says no more; runs on the event loop. */
  void hungUp() {
    Runnable action = hungUpAction;
    hungUpAction = null;
    if (action != null) {
      action.run();
    }
  }
}
