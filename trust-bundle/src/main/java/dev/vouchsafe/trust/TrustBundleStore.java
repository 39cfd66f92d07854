package dev.vouchsafe.trust;

import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;

/** Keeps the trust bundle in one file, written whole and renamed into place. */
public final class TrustBundleStore {
  private TrustBundleStore() {}

  /**
   * Makes the file with sequence 1 and mode 0644.
   *
   * @param refreshHint at least a second; it is not kept in the file
   * @param roots at least one, each with CA:TRUE and an EC (P-256, P-384, P-521) or RSA key
   * @throws IOException if it exists already or can't be written
   * @throws IllegalArgumentException if one of the roots is none; the message names its subject
   */
  public static TrustBundles create(Path file, Duration refreshHint, List<X509Certificate> roots)
      throws IOException {
    return KeptTrustBundles.create(new BundleFile(file), refreshHint, roots);
  }

  /**
   * Opens the file.
   *
   * @param refreshHint at least a second
   * @throws IOException if it isn't there, is damaged, is of another version, or if others than its
   *     owner may change it; the message names it
   */
  public static TrustBundles open(Path file, Duration refreshHint) throws IOException {
    return KeptTrustBundles.open(new BundleFile(file), refreshHint);
  }
}
