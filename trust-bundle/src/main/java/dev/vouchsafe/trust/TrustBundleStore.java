package dev.vouchsafe.trust;

import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;

/** Keeps the trust bundle in one file, written whole and renamed into place. */
@SuppressWarnings("DoNotCallSuggester")
public final class TrustBundleStore {
  private TrustBundleStore() {}

  /**
   * Makes the file with sequence 1.
   *
   * @throws IOException if it exists already or can't be written
   */
  public static TrustBundles create(Path file, Duration refreshHint, List<X509Certificate> roots)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Opens the file.
   *
   * @throws IOException if it isn't there or is damaged; the message names it
   */
  public static TrustBundles open(Path file, Duration refreshHint) throws IOException {
    throw new UnsupportedOperationException();
  }
}
