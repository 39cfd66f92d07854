package dev.vouchsafe.ca;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Tells how long keys were really published, under a clock that may jump: by time that passed in
 * this process; for keys of an earlier one also by the clock, as long as nothing speaks against it.
 *
 * <p>Used by one thread at a time, except for {@link #isQuietFor}.
 */
final class Announcements {
  /** Nothing of this program was made before; a clock that says so was not set yet. */
  private static final Instant EARLIEST = Instant.parse("2026-01-01T00:00:00Z");

  /** A clock that is set by so little has not jumped. */
  private static final Duration SKEW = TokenKeyRing.SKEW;

  /**
   * When a key was published for the first time in this process.
   *
   * @param here whether it was not before either
   */
  private record Announced(long at, boolean here) {}

  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final Instant startedAt;
  private final long started;
  private volatile long changed;
  private final Map<String, Announced> announced = new HashMap<>();
  private boolean loaded;
  private boolean jumped;

  Announcements(InstantSource clock, LongSupplier nanoTime) {
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.startedAt = clock.instant();
    this.started = nanoTime.getAsLong();
    this.changed = started;
  }

  /** Notes that a ring was published: the first one is as an earlier process left it. */
  void published(TokenKeyRing ring) {
    // The active one too: it is next again if a takeover could not be written.
    Set<String> kids = new HashSet<>(Set.of(ring.active().kid()));
    ring.next()
        .ifPresent(next -> {
          kids.add(next.kid());
          announced.putIfAbsent(next.kid(), new Announced(nanoTime.getAsLong(), loaded));
        });
    announced.keySet().retainAll(kids);
    loaded = true;
  }

  /** Notes that the keys changed their places. */
  void rotated() {
    changed = nanoTime.getAsLong();
  }

  /** Whether no key changed its place for that long, by time that passed in this process. */
  boolean isQuietFor(Duration time) {
    return nanoTime.getAsLong() - changed >= time.toNanos();
  }

  /** Whether the next key was published for that long. */
  boolean isNextPublishedFor(Duration time, TokenKeyRing ring, Instant now) {
    TokenKey next = ring.next().orElseThrow();
    Announced first = announced.get(next.kid());
    if (first == null) {
      return false;
    }
    return nanoTime.getAsLong() - first.at() >= time.toNanos()
        || (!first.here() && isClockGood() && isSoByTheClock(time, ring.active(), next, now));
  }

  private static boolean isSoByTheClock(
      Duration time, TokenKey active, TokenKey next, Instant now) {
    return !next.created().isBefore(EARLIEST)
        && !next.created().isBefore(active.created())
        && !now.isBefore(next.created().plus(time));
  }

  /** Whether the clock went on as time did, since the start. */
  private boolean isClockGood() {
    Duration byClock = Duration.between(startedAt, clock.instant());
    Duration passed = Duration.ofNanos(nanoTime.getAsLong() - started);
    jumped |= byClock.minus(passed).abs().compareTo(SKEW) > 0;
    return !jumped;
  }
}
