package dev.vouchsafe.ca;

import java.util.List;

/**
 * What a revocation came to. It is on the disk.
 *
 * @param fresh how many certificates were revoked now
 * @param already how many of those that were asked for had been revoked before
 * @param certificates those that are revoked, the newest first; the first thousand
 * @param denied the generations of the module that get no certificate any more
 * @param unlisted what keeps it from being published just now, in words; empty if nothing does
 */
public record RevocationResult(
    long fresh,
    long already,
    List<RevokedCertificate> certificates,
    List<String> denied,
    List<String> unlisted) {
  public RevocationResult {
    certificates = List.copyOf(certificates);
    denied = List.copyOf(denied);
    unlisted = List.copyOf(unlisted);
  }
}
