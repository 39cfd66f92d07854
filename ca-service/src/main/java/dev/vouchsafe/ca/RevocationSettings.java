package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.Optional;

/**
 * How revocations are told.
 *
 * @param listLifetime from one revocation list to the latest time of the next
 * @param baseUrl where verifiers find the lists, in certificates of leaves; nothing is said there
 *     if it is absent. The list of {@code device-1} is at {@code BASE/device-1.crl}
 * @param distributionPoint whether the lists of device CAs say, too, where they are to be found, in
 *     the issuing distribution point (RFC 5280 section 5.2.5)
 * @param ocspUrl where verifiers ask by OCSP, in certificates of leaves; nothing is said there if
 *     it is absent
 */
public record RevocationSettings(
    Duration listLifetime,
    Optional<String> baseUrl,
    boolean distributionPoint,
    Optional<String> ocspUrl) {
  /** With lists alone, which don't say where they are. */
  public RevocationSettings(Duration listLifetime, Optional<String> baseUrl) {
    this(listLifetime, baseUrl, false, Optional.empty());
  }

  /** A list for 7 days, of which leaves say nothing. */
  public static RevocationSettings defaults() {
    return new RevocationSettings(Duration.ofDays(7), Optional.empty());
  }
}
