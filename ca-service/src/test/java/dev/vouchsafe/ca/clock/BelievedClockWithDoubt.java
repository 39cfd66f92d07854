package dev.vouchsafe.ca.clock;

import java.time.Instant;

/** A clock that shows what the test says, and is as certain of it. */
public final class BelievedClockWithDoubt implements TrustedClock {
  private volatile Instant now;
  private volatile boolean certain = true;

  public BelievedClockWithDoubt(Instant now) {
    this.now = now;
  }

  /** Has it show that. */
  public void set(Instant time, boolean isCertain) {
    now = time;
    certain = isCertain;
  }

  @Override
  public Reading read() {
    return new Reading(now, Trust.TRUSTED);
  }

  @Override
  public long epoch() {
    return 0;
  }

  @Override
  public boolean isCertain() {
    return certain;
  }

  @Override
  public ClockStatus status() {
    throw new UnsupportedOperationException("no test of the ledger asks for it");
  }

  @Override
  public ClockStatus accept() {
    return status();
  }

  @Override
  public void listen(ClockListener listener) {
    // Nothing changes by itself.
  }

  @Override
  public void close() {
    // It has nothing.
  }
}
