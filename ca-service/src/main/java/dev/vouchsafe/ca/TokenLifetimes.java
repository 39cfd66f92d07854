package dev.vouchsafe.ca;

import java.time.Duration;

/**
 * How long tokens and their keys live.
 *
 * @param token a token when nothing else is said
 * @param tokenCap the longest a token may live; one asked for over it is shortened
 * @param key how long one key signs, before the next one, announced ahead, takes over
 */
public record TokenLifetimes(Duration token, Duration tokenCap, Duration key) {
  /** Token 5 minutes, at most 24 hours; key 30 days. */
  public static TokenLifetimes defaults() {
    return new TokenLifetimes(Duration.ofMinutes(5), Duration.ofHours(24), Duration.ofDays(30));
  }
}
