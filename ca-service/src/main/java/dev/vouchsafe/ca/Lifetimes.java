package dev.vouchsafe.ca;

import java.time.Duration;

/**
 * How long things live. One over its cap is shortened.
 *
 * @param root the root's certificate
 * @param deviceCa the device CA's certificate
 * @param leaf a module's certificate when nothing else is said
 * @param leafCap the longest a module's certificate may live
 */
public record Lifetimes(Duration root, Duration deviceCa, Duration leaf, Duration leafCap) {
  /** Root 20 years, device CA 2 years, leaf 1 hour, at most 30 days. */
  public static Lifetimes defaults() {
    return new Lifetimes(
        Duration.ofDays(20 * 365 + 5),
        Duration.ofDays(2 * 365),
        Duration.ofHours(1),
        Duration.ofDays(30));
  }
}
