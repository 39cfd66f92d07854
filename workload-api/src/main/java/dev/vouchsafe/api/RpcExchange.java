package dev.vouchsafe.api;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** One question of a call, and its answer: a stream asks its question again and again. */
final class RpcExchange implements Exchange {
  /** Which time it is that a call asks. */
  enum Attempt {
    /** The first time; it may be asked once more instead of being refused. */
    FIRST,
    /** The first answer, which it waited for. */
    WAITED,
    /** A stream that was answered before. */
    AGAIN
  }

  private final RpcCall call;
  private final Request request;
  private final Attempt attempt;
  private final Object before;
  private final AtomicBoolean answered = new AtomicBoolean();
  private final List<Runnable> doneActions = new ArrayList<>(2);
  private @Nullable Runnable hungUpAction;
  private volatile Object offer = "";
  private volatile Optional<Duration> next = Optional.empty();
  private volatile boolean unknown;

  /**
   * @param before what the stream was sent last, in the words of {@link #offers}
   */
  RpcExchange(RpcCall call, Request request, Attempt attempt, Object before) {
    this.call = call;
    this.request = request;
    this.attempt = attempt;
    this.before = before;
  }

  @Override
  public Request request() {
    return request;
  }

  @Override
  public Peer peer() {
    return call.link().peer();
  }

  /** Whether nobody waits for it any more. */
  boolean isOver() {
    return call.isOver();
  }

  Attempt attempt() {
    return attempt;
  }

  /** Whether that is what the stream was sent last. */
  boolean isNews(Object content) {
    return !content.equals(before);
  }

  /** What the answer holds, to be told from later ones; before it is answered. */
  void offers(Object content) {
    offer = content;
  }

  Object offer() {
    return offer;
  }

  /** Has a stream ask again after that time; before it is answered. */
  void askAgainIn(Duration time) {
    next = Optional.of(time);
  }

  Optional<Duration> next() {
    return next;
  }

  /** No registration holds for the caller, so far; before an answer without news. */
  void callerIsUnknown() {
    unknown = true;
  }

  boolean isCallerUnknown() {
    return unknown;
  }

  @Override
  public boolean answer(Response response, Runnable lost) {
    if (!answered.compareAndSet(false, true)) {
      return false;
    }
    if (call.link().loop().inEventLoop()) {
      call.answered(this, response, lost);
      return true;
    }
    try {
      call.link().loop().execute(() -> call.answered(this, response, lost));
    } catch (RejectedExecutionException stopped) {
      // The loop has ended, and with it all that could run beside this.
      lost.run();
      done();
    }
    return true;
  }

  @Override
  public void takesLong() {
    call.takesLong();
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
      call.link().loop().execute(action);
    } catch (RejectedExecutionException stopped) {
      // The loop has ended, and this exchange with it.
      return;
    }
  }

  /** It has ended; runs on the event loop. */
  void done() {
    hungUpAction = null;
    doneActions.forEach(Runnable::run);
    doneActions.clear();
  }

  /** The caller has gone; runs on the event loop. */
  void hungUp() {
    Runnable action = hungUpAction;
    hungUpAction = null;
    if (action != null) {
      action.run();
    }
  }
}
