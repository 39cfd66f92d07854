package dev.vouchsafe.trust;

import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;

/**
 * One version of whom to trust. Immutable.
 *
 * @param sequence rises by at least one with every change and never falls
 * @param refreshHint how often a reader should ask again (SPIFFE Trust Domain and Bundle, section
 *     4.1.3)
 * @param roots our own trust anchors, self-signed, the one that issues first
 * @param extra CAs of other servers that the operator added; never part of the SPIFFE bundle
 */
public record TrustBundle(
    long sequence, Duration refreshHint, List<X509Certificate> roots, List<X509Certificate> extra) {
  public TrustBundle {
    roots = List.copyOf(roots);
    extra = List.copyOf(extra);
    if (sequence < 1 || roots.isEmpty()) {
      throw new IllegalArgumentException(
          "a trust bundle has a sequence from 1 and at least one root");
    }
  }
}
