package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.trust.BundleReaders;
import dev.vouchsafe.trust.TrustBundleStore;
import dev.vouchsafe.trust.TrustBundles;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** A CA whose root is in a store of its own, with a trust bundle that follows it. */
final class RootHome implements AutoCloseable {
  static final Duration REFRESH = Duration.ofHours(1);

  final TestCa ca;
  final TrustBundles bundles;
  final X509Certificate first;
  private final Path folder;

  private RootHome(Path folder, CaSettings settings, String rootStore) throws Exception {
    this.folder = folder;
    this.ca = TestCa.with(settings, TestCa.stores(settings).choose(Role.ROOT, rootStore));
    this.first = ca.root();
    this.bundles = TrustBundleStore.create(folder.resolve("bundle.json"), REFRESH, List.of(first));
    ca.reopen(bundle());
  }

  static RootHome in(Path folder) throws Exception {
    return in(folder, TestCa.settings(folder));
  }

  static RootHome in(Path folder, CaSettings settings) throws Exception {
    return new RootHome(folder, settings, "root-pkcs11");
  }

  /** With the root's key where the device CA's is. */
  static RootHome inOneStore(Path folder) throws Exception {
    return new RootHome(folder, TestCa.settings(folder), "software");
  }

  /** Another view of the same bundle, as after a restart. */
  RootBundle bundle() throws Exception {
    BundleReaders readers =
        TrustBundleStore.readers(
            folder.resolve("readers.json"),
            bundles.current().sequence(),
            ca.clock,
            ca.clock::nanoTime);
    return new RootBundle(bundles, readers);
  }

  AuthorityChanges changes() {
    return ca.ca().changes().by("uid 0");
  }

  void prepareAndPublish() throws Exception {
    changes().prepare(Role.ROOT, Optional.empty());
    changes().publish("root-2");
  }

  void activate() throws Exception {
    prepareAndPublish();
    ca.clock.pass(REFRESH.multipliedBy(5));
    changes().activate("root-2");
  }

  AuthorityInfo authority(String id) {
    return ca.ca().authorities().stream().filter(it -> it.id().equals(id)).findAny().orElseThrow();
  }

  X509Certificate root(String id) {
    return authority(id).certificate();
  }

  /** The chain of a certificate that is issued now, whole for all that somebody may trust. */
  WholeChain issued() throws Exception {
    Instant now = ca.clock.instant();
    List<X509Certificate> anchors =
        ca.ca().authorities().stream()
            .filter(it -> it.role() == Role.ROOT && it.state() != State.PREPARED)
            .map(AuthorityInfo::certificate)
            .filter(it -> now.isBefore(it.getNotAfter().toInstant()))
            .toList();
    return WholeChain.of(
        ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)), anchors, now);
  }

  /** The serial numbers of the certificates by which roots vouch for roots, the oldest first. */
  List<String> crosses() throws Exception {
    return LedgerPeek.crosses(ca.settings.directory()).stream()
        .map(it -> Octets.hex(it.getSerialNumber().toByteArray()))
        .toList();
  }

  @Override
  public void close() {
    ca.close();
  }
}
