package dev.vouchsafe.audit;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * When a checkpoint is due, and whether the clock may be believed when it says that a file is old.
 * Time is measured by the process's own clock, which doesn't jump.
 */
final class Due {
  /** After so many entries, whatever the time. */
  static final int ENTRIES = 1024;

  private static final long MINUTE = TimeUnit.MINUTES.toNanos(1);

  /** Where there are only counts, which come every minute as long as a module signs anything. */
  private static final long COUNTS_ONLY = 15 * MINUTE;

  private static final long SIGNING_PAUSE = TimeUnit.SECONDS.toNanos(5);
  private static final long PROBATION = TimeUnit.DAYS.toNanos(1);
  private static final Duration JUMP = Duration.ofHours(1);

  private final LongSupplier nanoTime;
  private final InstantSource clock;
  private final BooleanSupplier certain;
  private final long began;
  private final Instant beganAt;
  private long lastCheckpoint;
  private long lastFailure;
  private boolean failed;
  private int entries;
  private boolean moreThanCounts;
  private long lastMinute;

  /**
   * @param certain whether whoever knows the clock is certain of it just now
   */
  Due(LongSupplier nanoTime, InstantSource clock, BooleanSupplier certain) {
    this.nanoTime = nanoTime;
    this.clock = clock;
    this.certain = certain;
    this.began = nanoTime.getAsLong();
    this.beganAt = clock.instant();
    this.lastCheckpoint = began;
    this.lastMinute = began;
    // The entry that says that the service started.
    this.entries = 1;
    this.moreThanCounts = true;
  }

  void written(int count, boolean onlyCounts) {
    entries += count;
    moreThanCounts |= !onlyCounts;
  }

  void signed() {
    entries = 0;
    moreThanCounts = false;
    failed = false;
    lastCheckpoint = nanoTime.getAsLong();
  }

  void notSigned() {
    failed = true;
    lastFailure = nanoTime.getAsLong();
  }

  boolean checkpoint() {
    long now = nanoTime.getAsLong();
    if (entries == 0 || (failed && now - lastFailure < SIGNING_PAUSE)) {
      return false;
    }
    long wait = moreThanCounts ? MINUTE : COUNTS_ONLY;
    return failed || entries >= ENTRIES || now - lastCheckpoint >= wait;
  }

  /** True once a minute. */
  boolean minute() {
    long now = nanoTime.getAsLong();
    if (now - lastMinute < MINUTE) {
      return false;
    }
    lastMinute = now;
    return true;
  }

  /**
   * Nothing is removed because of a clock that jumped or isn't certain, nor in the first day, in
   * which somebody may still set it right.
   */
  boolean clockIsBelieved() {
    long ran = nanoTime.getAsLong() - began;
    Duration off = Duration.between(beganAt, clock.instant()).minusNanos(ran).abs();
    return ran >= PROBATION && off.compareTo(JUMP) < 0 && certain.getAsBoolean();
  }
}
