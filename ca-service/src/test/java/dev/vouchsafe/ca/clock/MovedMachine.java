package dev.vouchsafe.ca.clock;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** A machine whose clock a test sets, and which sleeps when a test wants it to. */
final class MovedMachine implements Machine {
  private Instant clock;
  private long nanos = 77;
  private Duration up = Duration.ofHours(3);
  private Synchronised synchronised = Synchronised.NO;
  private boolean tellsUpTime = true;

  MovedMachine(Instant clock) {
    this.clock = clock;
  }

  /** Somebody sets the clock; no time passes. */
  void set(Instant to) {
    clock = to;
  }

  /** Time passes, and the clock goes with it. */
  void pass(Duration time) {
    clock = clock.plus(time);
    nanos += time.toNanos();
    up = up.plus(time);
  }

  /** The machine sleeps; its clock goes on. */
  void sleep(Duration time) {
    clock = clock.plus(time);
    up = up.plus(time);
  }

  /** The machine sleeps, and its clock as well. */
  void sleepWithoutClock(Duration time) {
    up = up.plus(time);
  }

  void synchronise(Synchronised state) {
    synchronised = state;
  }

  void hideUpTime() {
    tellsUpTime = false;
  }

  @Override
  public Instant clock() {
    return clock;
  }

  @Override
  public long nanoTime() {
    return nanos;
  }

  @Override
  public Optional<Duration> upTime() {
    return tellsUpTime ? Optional.of(up) : Optional.empty();
  }

  @Override
  public Synchronised synchronised() {
    return synchronised;
  }
}
