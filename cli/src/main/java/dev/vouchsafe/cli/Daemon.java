package dev.vouchsafe.cli;

import dev.vouchsafe.api.ApiParts;
import dev.vouchsafe.api.ApiServer;
import dev.vouchsafe.api.ApiServers;
import dev.vouchsafe.api.ApiSettings;
import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.attestation.Attestors;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationFolder;
import dev.vouchsafe.attestation.RegistrationProblem;
import dev.vouchsafe.attestation.Registrations;
import dev.vouchsafe.audit.AuditLog;
import dev.vouchsafe.audit.AuditLogs;
import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.ca.CertificateAuthorities;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.RootBundle;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClocks;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.trust.BundleAdditions;
import dev.vouchsafe.trust.BundleContent;
import dev.vouchsafe.trust.BundleReaders;
import dev.vouchsafe.trust.CaFile;
import dev.vouchsafe.trust.CaRefusedException;
import dev.vouchsafe.trust.TrustBundleStore;
import dev.vouchsafe.trust.TrustBundles;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The running service: the one place where the parts are put together. Whatever was opened is
 * closed in the reverse order, after a failed start as well.
 */
final class Daemon implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Daemon.class.getName());

  private final Deque<Runnable> closers = new ArrayDeque<>();
  private List<String> endpoints = List.of();
  private @Nullable RootBundle bundle;

  private Daemon() {}

  /** Starts every part, or none. */
  static Daemon start(Home home, Configuration configuration, Console console)
      throws IOException, CommandFailure {
    Daemon daemon = new Daemon();
    boolean started = false;
    try {
      daemon.open(home, configuration, console);
      started = true;
      return daemon;
    } finally {
      if (!started) {
        daemon.close();
      }
    }
  }

  private void open(Home home, Configuration configuration, Console console)
      throws IOException, CommandFailure {
    HomeFormat.require(home);
    FileTrust.requireFolder("the home", Home.parent(home.data()));
    FileTrust.requireFolder("the data folder", home.data());
    HomeLock lock = HomeLock.take(home);
    closers.push(lock::close);
    DurableFiles.folder(home.run(), "rwxr-xr-x");
    requireOwnSocketFolders(configuration.listen());

    SoftwareCrypto crypto = SoftwareCrypto.choose();
    LOG.log(System.Logger.Level.INFO, "cryptography: {0}", crypto.description());
    KeyStores stores = KeyStores.of(home, console.environment(), crypto);
    closers.push(stores::close);

    Workers workers = Workers.start(configuration.limits());
    closers.push(workers::stop);
    TrustedClock clock =
        TrustedClocks.open(
            configuration.clock(home),
            console.clock(),
            () -> CertificateAuthorities.newest(home.data()));
    closers.push(clock::close);
    CertificateAuthority authority =
        CertificateAuthorities.open(
            configuration.authority(home.data()),
            stores,
            crypto,
            clock,
            workers,
            configuration.rotation(),
            () -> openBundle(home, configuration, clock));
    closers.push(authority::close);
    warn(configuration, stores, authority.authorities());
    RootBundle opened = Objects.requireNonNull(bundle, "the CA has opened it");
    TrustBundles bundles = opened.bundles();
    BundleReaders readers = opened.readers();
    List<X509Certificate> extra = ExtraCas.read(configuration.bundle().extra());
    publishExtra(bundles, extra, authority.authorities(), clock);

    AuditLog audit =
        AuditLogs.open(
            configuration.audit().in(home.audit()),
            new AuditSigner(authority.auditKey()),
            clock,
            clock::isCertain,
            new BuildInfo().version());
    closers.push(audit::close);

    // The machine's own clock: it is what the files' times are by.
    Registrations registrations =
        RegistrationFolder.follow(home.registrations(), ModuleRules.of(home), console.clock());
    closers.push(registrations::close);
    readers.expect(registrations.current().all().stream().map(Registration::name).toList());
    for (RegistrationProblem problem : registrations.current().problems()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "registration not taken: {0}: {1}: {2}",
          problem.file(),
          problem.code(),
          problem.message());
    }
    Attestor attestor = Attestors.open(configuration.attestation());
    closers.push(attestor::close);

    Optional<Path> manifestFile = configuration.bundle().manifest();
    String manifest = manifestFile.isPresent() ? ManifestBundle.read(manifestFile.get()) : "";
    ApiServer server =
        ApiServers.start(
            settings(configuration),
            new ApiParts(
                configuration.gateway(),
                registrations,
                attestor,
                authority,
                bundles,
                readers,
                () -> manifest,
                audit,
                clock,
                workers,
                workers::replace,
                HomeBackups.of(home, configuration, authority, audit, clock)));
    closers.push(server::close);
    endpoints = server.endpoints();
  }

  private static void warn(
      Configuration configuration, KeyStores stores, List<AuthorityInfo> authorities) {
    for (PrivateKeyStore store : stores.opened()) {
      for (String warning : store.describe().warnings()) {
        LOG.log(System.Logger.Level.WARNING, "key store: {0}", warning);
      }
    }
    StoreDrift.of(configuration, authorities)
        .ifPresent(drift ->
            LOG.log(
                System.Logger.Level.WARNING, "key store: {0}; {1}", drift.found(), drift.advice()));
  }

  private RootBundle openBundle(Home home, Configuration configuration, TrustedClock clock)
      throws IOException {
    TrustBundles bundles = TrustBundleStore.open(home.bundle(), configuration.bundle().refresh());
    BundleReaders readers =
        TrustBundleStore.readers(
            home.bundleReaders(), bundles.current().sequence(), clock, System::nanoTime);
    closers.push(() -> save(readers));
    RootBundle opened = new RootBundle(bundles, readers);
    bundle = opened;
    return opened;
  }

  /** Whoever can write the folder of a socket can put another there, and be taken for us. */
  private static void requireOwnSocketFolders(Configuration.Listen listen)
      throws IOException, CommandFailure {
    for (Path socket : listen.sockets()) {
      FileTrust.requireFolder("[listen] " + socket, Home.parent(socket));
    }
  }

  private static ApiSettings settings(Configuration configuration) throws IOException {
    Optional<Configuration.HostPort> at = configuration.listen().https();
    return new ApiSettings(
        configuration.listen().workload(),
        configuration.listen().spiffe(),
        configuration.listen().admin(),
        at.isPresent() ? Optional.of(HttpsNames.listener(at.get())) : Optional.empty(),
        configuration.limits());
  }

  /** The CAs of the configuration's files, and those that administrators added. */
  private static void publishExtra(
      TrustBundles bundles,
      List<X509Certificate> extra,
      List<AuthorityInfo> authorities,
      TrustedClock clock)
      throws IOException, CommandFailure {
    try {
      List<X509Certificate> own =
          authorities.stream()
              .flatMap(authority ->
                  Stream.concat(Stream.of(authority.certificate()), authority.above().stream()))
              .toList();
      // Nobody else changes it before the sockets are open.
      BundleContent present = bundles.current().content();
      List<X509Certificate> others =
          extra.stream().filter(ca -> !isOurs(ca, present, own)).toList();
      BundleContent wanted = BundleAdditions.configure(present, others, own, clock.instant());
      bundles.change(content -> wanted);
    } catch (CaRefusedException e) {
      throw ExtraCas.wrong(String.valueOf(e.getMessage()), e);
    }
    for (X509Certificate ca : extra) {
      try {
        CaFile.requireValid(List.of(ca), clock.instant());
      } catch (CaRefusedException e) {
        LOG.log(
            System.Logger.Level.WARNING,
            "{0}: {1}",
            ConfigurationKey.EXTRA.title(),
            e.getMessage());
      }
    }
  }

  /** What was announced as another CA may have become ours since: it needs no place beside it. */
  private static boolean isOurs(
      X509Certificate ca, BundleContent present, List<X509Certificate> own) {
    boolean ours = BundleAdditions.isOwn(ca, present, own);
    if (ours) {
      LOG.log(
          System.Logger.Level.WARNING,
          "{0}: {1} is an authority of this gateway now, or has the key of one; it is passed over:"
              + " take it out there",
          ConfigurationKey.EXTRA.title(),
          ca.getSubjectX500Principal().getName());
    }
    return ours;
  }

  private static void save(BundleReaders readers) {
    try {
      readers.save();
    } catch (IOException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "who has which trust bundle was not written down: {0}",
          e.getMessage());
    }
  }

  /** Where it really listens. */
  List<String> endpoints() {
    return endpoints;
  }

  /** Stops taking requests, lets those under way end, and closes every part. */
  @Override
  public void close() {
    while (!closers.isEmpty()) {
      closers.pop().run();
    }
  }
}
