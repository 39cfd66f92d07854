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
 * @param content the certificates, with what is known of each
 */
public record TrustBundle(long sequence, Duration refreshHint, BundleContent content) {
  public TrustBundle {
    if (sequence < 1 || content.roots().isEmpty()) {
      throw new IllegalArgumentException(
          "a trust bundle has a sequence from 1 and at least one root");
    }
  }

  /** Our own trust anchors, the one that issues first. */
  public List<X509Certificate> roots() {
    return content.roots().stream().map(BundleContent.Root::certificate).toList();
  }

  /** CAs of other servers that the operator added; never part of the SPIFFE bundle. */
  public List<X509Certificate> extra() {
    return content.added().stream().map(BundleContent.Added::certificate).toList();
  }
}
