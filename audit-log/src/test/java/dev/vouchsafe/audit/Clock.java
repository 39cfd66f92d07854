package dev.vouchsafe.audit;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;

/** A clock that stands still until the test moves it, and the nanoseconds beside it. */
final class Clock implements InstantSource {
  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2026-11-23T10:00:00.123Z"));
  private final AtomicLong nanos = new AtomicLong(1);

  @Override
  public Instant instant() {
    return now.get();
  }

  LongSupplier nanoTime() {
    return nanos::get;
  }

  void pass(Duration time) {
    now.updateAndGet(before -> before.plus(time));
    nanos.addAndGet(time.toNanos());
  }

  /** The clock alone: somebody set it. */
  void jump(Duration time) {
    now.updateAndGet(before -> before.plus(time));
  }
}
