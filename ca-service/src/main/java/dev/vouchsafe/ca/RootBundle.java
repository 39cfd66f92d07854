package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.trust.BundleContent;
import dev.vouchsafe.trust.BundleReaders;
import dev.vouchsafe.trust.TrustBundle;
import dev.vouchsafe.trust.TrustBundles;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * The trust bundle as it follows the roots, and what a new root waits for. The ledger says which
 * roots belong in it; only the bundle says since when a new one can be fetched.
 */
public final class RootBundle {
  /** Opens the bundle; a gateway that has no device CA yet has none. */
  public interface Source {
    RootBundle open() throws IOException;
  }

  /** Who follows the refresh hint has asked in so many refresh times, also after a few failures. */
  private static final int REFRESH_TIMES = 5;

  private final TrustBundles bundles;
  private final BundleReaders readers;

  /** The bundle, and those who are known to read it. */
  public RootBundle(TrustBundles bundles, BundleReaders readers) {
    this.bundles = bundles;
    this.readers = readers;
  }

  /** The bundle itself. */
  public TrustBundles bundles() {
    return bundles;
  }

  /** Those who are known to read it. */
  public BundleReaders readers() {
    return readers;
  }

  /** Five refresh times. */
  Duration window() {
    return bundles.current().refreshHint().multipliedBy(REFRESH_TIMES);
  }

  /**
   * Has the bundle hold the roots that it should: the active one, those that retire, and the one
   * that is published, which may issue after {@link #window} at the earliest. One after the other,
   * whoever asks: each by the roots as they stand then. While the time is in doubt a published one
   * is not put there yet, since its readers would keep a wrong time from which it may issue.
   *
   * @throws IOException if it could not be stored; it is as it was
   */
  synchronized void follow(Supplier<AuthorityChain> roots, TrustedClock clock) throws IOException {
    AuthorityChain chain = roots.get();
    TrustBundle before = bundles.current();
    List<BundleContent.Root> wanted = new ArrayList<>();
    wanted.add(new BundleContent.Root(anchor(chain.root())));
    // Before it is asked whether it is certain: a jump that is seen then is doubted already.
    Instant activates = clock.instant().plus(window());
    for (StoredAuthority published : chain.in(Role.ROOT, State.PUBLISHED)) {
      Optional<BundleContent.Root> known =
          known(before, published.certificate()).filter(root -> root.activates().isPresent());
      if (known.isPresent()) {
        wanted.add(known.get());
      } else if (clock.isCertain()) {
        wanted.add(new BundleContent.Root(published.certificate(), Optional.of(activates)));
      }
    }
    for (StoredAuthority retiring : chain.in(Role.ROOT, State.RETIRING)) {
      X509Certificate anchor = anchor(retiring);
      if (wanted.stream().noneMatch(root -> root.certificate().equals(anchor))) {
        wanted.add(new BundleContent.Root(anchor));
      }
    }
    if (!before.content().roots().equals(wanted)) {
      TrustBundle after = bundles.change(content -> new BundleContent(wanted, content.added()));
      System.getLogger(RootBundle.class.getName())
          .log(
              System.Logger.Level.INFO,
              "trust bundle: published {0} root(s), sequence {1}",
              wanted.size(),
              after.sequence());
    }
  }

  /** What those who verify trust. */
  private static X509Certificate anchor(StoredAuthority root) {
    return root.info().anchor();
  }

  private static Optional<BundleContent.Root> known(TrustBundle bundle, X509Certificate root) {
    return bundle.content().roots().stream()
        .filter(known -> known.certificate().equals(root))
        .findFirst();
  }

  /**
   * Whether those who have fetched it believe what leads to that certificate: it is one of the
   * roots, or has the name and the key of one (RFC 5280 section 6.1.1 d).
   */
  boolean isKnown(X509Certificate anchor) {
    return bundles.current().content().roots().stream()
        .map(BundleContent.Root::certificate)
        .anyMatch(root ->
            root.getSubjectX500Principal().equals(anchor.getSubjectX500Principal())
                && root.getPublicKey().equals(anchor.getPublicKey()));
  }

  /** When an administrator has put that certificate beside the roots, if one has. */
  Optional<Instant> addedAt(X509Certificate certificate) {
    return bundles.current().content().added().stream()
        .filter(added -> added.certificate().equals(certificate))
        .map(BundleContent.Added::at)
        .max(Instant::compareTo);
  }

  /** Before when that root issues nothing; empty if the bundle doesn't have it as published. */
  Optional<Instant> activates(X509Certificate root) {
    return known(bundles.current(), root).flatMap(BundleContent.Root::activates);
  }

  /** The version that everybody is to have; never an older one than brought the published root. */
  long sequence() {
    return bundles.current().sequence();
  }

  /** Those that were heard of within the window and have not fetched the bundle as it is now. */
  List<String> behind() {
    return readers.behind(sequence(), window()).stream().map(BundleReaders.Reader::name).toList();
  }

  /** Those that have not fetched it either, but were not heard of for longer. */
  List<String> silent() {
    List<String> waitedFor = behind();
    long sequence = sequence();
    return readers.readers().stream()
        .filter(reader -> reader.sequence() < sequence)
        .map(BundleReaders.Reader::name)
        .filter(name -> !waitedFor.contains(name))
        .toList();
  }
}
