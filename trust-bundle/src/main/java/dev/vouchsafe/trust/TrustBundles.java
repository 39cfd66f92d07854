package dev.vouchsafe.trust;

import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The current trust bundle, kept on disk with its sequence, and those who wait for the next. */
public interface TrustBundles {
  /** The bundle as it is now. Costs no I/O. */
  TrustBundle current();

  /** The current bundle in one encoding; encoded once for each version. */
  byte[] encoded(BundleFormat format);

  /**
   * A strong entity tag for the current version in that encoding, with its quotes (RFC 9110 section
   * 8.8.3).
   */
  String entityTag(BundleFormat format);

  /**
   * Makes these the current roots and extra CAs. The sequence rises only if something changed; the
   * new version is durable before any reader sees it.
   *
   * @throws IOException if it could not be stored; the old version stays
   */
  TrustBundle publish(List<X509Certificate> roots, List<X509Certificate> extra) throws IOException;

  /** Completes with the first version after {@code sequence}: at once if there is one already. */
  CompletableFuture<TrustBundle> after(long sequence);
}
