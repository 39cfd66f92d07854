package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What failed when it was tried last, and when it is tried again: later each time, so that a token
 * in a drawer isn't asked all the time. Used by one thread.
 */
final class Attempts {
  /** After the first failure; doubled with each, up to {@link #MOST_DOUBLINGS} times. */
  static final Duration PAUSE = Duration.ofMinutes(5);

  /** Up to five hours and twenty minutes. */
  private static final int MOST_DOUBLINGS = 6;

  /** More than any pause. */
  static final Duration ANY = Duration.ofDays(1);

  private record Failure(String why, int times, long at) {}

  private final Map<String, Failure> failures = new LinkedHashMap<>();

  /**
   * Whether it is time to try that.
   *
   * @param now as {@link System#nanoTime}
   * @param longest the pause after a failure that there is time for
   */
  boolean isDue(String what, long now, Duration longest) {
    Failure last = failures.get(what);
    if (last == null) {
      return true;
    }
    Duration grown = PAUSE.multipliedBy(1L << Math.min(last.times() - 1, MOST_DOUBLINGS));
    Duration pause = grown.compareTo(longest) < 0 ? grown : longest;
    return now - last.at() >= pause.toNanos();
  }

  /**
   * Notes that it failed.
   *
   * @return whether that is news: it did not fail before, or for another reason
   */
  boolean failed(String what, String why, long now) {
    Failure last = failures.get(what);
    failures.put(what, new Failure(why, last == null ? 1 : last.times() + 1, now));
    return last == null || !last.why().equals(why);
  }

  /** It did not fail this time, or need not be tried any more. */
  void mended(String what) {
    failures.remove(what);
  }

  /** Forgets of all else that it failed. */
  void keep(Set<String> known) {
    failures.keySet().retainAll(known);
  }

  /** Why something fails, that for the longest first. */
  Optional<String> problem() {
    return failures.values().stream().map(Failure::why).findFirst();
  }
}
