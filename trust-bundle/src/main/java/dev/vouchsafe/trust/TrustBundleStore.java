package dev.vouchsafe.trust;

import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Keeps the trust bundle in one file, and its readers in another, each written whole and renamed
 * into place.
 */
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

  /**
   * Reads the file as it is, and changes nothing.
   *
   * @throws IOException as {@link #open}
   */
  public static TrustBundle read(Path file, Duration refreshHint) throws IOException {
    BundleDocument document = new BundleFile(file).read();
    return new TrustBundle(document.sequence(), refreshHint, document.content());
  }

  /**
   * Has a bundle that nobody has open, and that may be older than what its readers have seen, come
   * after all that: its content stays, its sequence rises.
   *
   * @param sequence what it rises to; a bundle that is past that stays as it is
   * @throws IOException if it can't be read or written; it is as it was
   */
  public static void passOver(Path file, long sequence) throws IOException {
    BundleFile bundle = new BundleFile(file);
    BundleDocument document = bundle.read();
    if (document.sequence() < sequence) {
      bundle.replace(new BundleDocument(sequence, document.content()));
    }
  }

  /**
   * Opens the file of the bundle's readers, or begins with nobody: also where it is damaged, or
   * knows of versions that the bundle has not reached, as after a restored backup. Such a file is
   * removed.
   *
   * @param current the bundle's sequence now
   * @param clock for the times that are shown
   * @param nanos as {@link System#nanoTime}
   * @throws IOException if it can't be read, or can't be removed
   */
  public static BundleReaders readers(
      Path file, long current, InstantSource clock, LongSupplier nanos) throws IOException {
    return KeptBundleReaders.open(new DurableFile(file), current, clock, nanos);
  }
}
