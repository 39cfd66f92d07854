package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.Optional;

/**
 * How revocations are told.
 *
 * @param listLifetime from one revocation list to the latest time of the next
 * @param baseUrl where verifiers find the lists, in certificates of leaves; nothing is said there
 *     if it is absent. The list of {@code device-1} is at {@code BASE/device-1.crl}
 */
public record RevocationSettings(Duration listLifetime, Optional<String> baseUrl) {
  /** A list for 7 days, of which leaves say nothing. */
  public static RevocationSettings defaults() {
    return new RevocationSettings(Duration.ofDays(7), Optional.empty());
  }
}
