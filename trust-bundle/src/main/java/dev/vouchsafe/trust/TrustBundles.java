package dev.vouchsafe.trust;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/** The current trust bundle, kept on disk with its sequence, and those who wait for the next. */
public interface TrustBundles {
  /** The bundle as it is now. Costs no I/O. */
  TrustBundle current();

  /** The current bundle in one encoding; encoded once for each version. */
  byte[] encoded(BundleFormat format);

  /**
   * A strong entity tag for the current version in that encoding, with its quotes (RFC 9110 section
   * 8.8.3). Ask for the tag before the encoding: then a change in between costs a reader one more
   * request, and never leaves it with the old bundle under the new tag.
   */
  String entityTag(BundleFormat format);

  /**
   * Makes what {@code change} turns the current content into the current one; one change after the
   * other. What comes twice is kept once, and a root is not added. The sequence rises only if
   * something changed; the new version is durable before any reader sees it.
   *
   * @param change quick, and without effects of its own
   * @throws IOException if it could not be stored; the old version stays
   * @throws IllegalArgumentException if one has no CA:TRUE, if there is no root, or if a root's key
   *     is neither EC (P-256, P-384, P-521) nor RSA; the message names its subject
   */
  TrustBundle change(UnaryOperator<BundleContent> change) throws IOException;

  /**
   * Completes with the current version as soon as its sequence is past {@code sequence}: at once if
   * it is already. Who waits no longer cancels it or lets it time out; it is forgotten then. Fails
   * with {@link java.util.concurrent.RejectedExecutionException} if 10,000 wait already.
   */
  CompletableFuture<TrustBundle> after(long sequence);
}
