package dev.vouchsafe.api;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The one deadline of a connection. It is moved several times for each request, so moving it later
 * only notes the time; the timer that is there already looks again when it fires. Used on one event
 * loop only.
 */
final class Deadline {
  private final EventExecutor loop;
  private final Runnable expired;
  private @Nullable ScheduledFuture<?> timer;
  private long timerAt;
  private long due;
  private boolean armed;

  Deadline(EventExecutor loop, Runnable expired) {
    this.loop = loop;
    this.expired = expired;
  }

  void set(Duration after) {
    due = now() + after.toNanos();
    armed = true;
    if (timer != null && timerAt - due <= 0) {
      return;
    }
    if (timer != null) {
      timer.cancel(false);
    }
    schedule();
  }

  /** No deadline until the next {@link #set}. */
  void clear() {
    armed = false;
  }

  /** Ends it for good. */
  void cancel() {
    armed = false;
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
  }

  private void schedule() {
    timerAt = due;
    timer = loop.schedule(this::fire, due - now(), TimeUnit.NANOSECONDS);
  }

  private void fire() {
    timer = null;
    if (!armed) {
      return;
    }
    if (due - now() > 0) {
      schedule();
    } else {
      armed = false;
      expired.run();
    }
  }

  private long now() {
    return loop.ticker().nanoTime();
  }
}
