package dev.vouchsafe.api;

import dev.vouchsafe.attestation.AttestationSettings;
import dev.vouchsafe.attestation.Attestor;
import dev.vouchsafe.attestation.Attestors;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationException;
import dev.vouchsafe.attestation.RegistrationFolder;
import dev.vouchsafe.attestation.RegistrationRules;
import dev.vouchsafe.attestation.Registrations;
import dev.vouchsafe.attestation.Selector;
import dev.vouchsafe.ca.AuthorityStores;
import dev.vouchsafe.ca.CaSettings;
import dev.vouchsafe.ca.CertificateAuthorities;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.IssuingCaSettings;
import dev.vouchsafe.ca.Lifetimes;
import dev.vouchsafe.ca.TokenLifetimes;
import dev.vouchsafe.ca.clock.ClockChange;
import dev.vouchsafe.ca.clock.ClockListener;
import dev.vouchsafe.ca.clock.ClockSettings;
import dev.vouchsafe.ca.clock.ClockStatus;
import dev.vouchsafe.ca.clock.ClockVerdict;
import dev.vouchsafe.ca.clock.ImpossibleTimeException;
import dev.vouchsafe.ca.clock.Synchronised;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.PrivateKeyStores;
import dev.vouchsafe.keys.SealSource;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.trust.BundleContent;
import dev.vouchsafe.trust.BundleReaders;
import dev.vouchsafe.trust.TrustBundleStore;
import dev.vouchsafe.trust.TrustBundles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/** A gateway without its front ends, all of it real, with a clock that the test sets. */
final class TestHome implements AutoCloseable {
  static final GatewayIdentity IDENTITY = new GatewayIdentity("gw1", "gw.example", 1);
  static final RegistrationRules RULES =
      new RegistrationRules(Set.of("identity", "server"), List.of());

  /** The user that the tests run as: every call from this process comes from it. */
  static final long OWN_UID = ownUid();

  /** A clock that stands until it is set. */
  static final class Clock implements TrustedClock {
    private volatile Instant now = InstantSource.system().instant();
    private volatile ClockVerdict verdict = ClockVerdict.TRUSTED;
    private volatile boolean stops;
    private volatile String fault = "";
    private final AtomicLong epoch = new AtomicLong();
    private final List<ClockListener> listeners = new CopyOnWriteArrayList<>();

    @Override
    public Reading read() {
      Trust untrusted = stops ? Trust.STOPPED : Trust.BOUNDED;
      return new Reading(now, verdict.isTrusted() ? Trust.TRUSTED : untrusted);
    }

    /** That is made of the machine's clock from now on; whoever listens is told. */
    void judge(ClockVerdict next, boolean stopping) {
      stops = stopping;
      if (next.isTrusted() && !verdict.isTrusted()) {
        epoch.incrementAndGet();
      }
      verdict = next;
      ClockChange.Kind kind =
          next.isTrusted() ? ClockChange.Kind.TRUSTED : ClockChange.Kind.UNTRUSTED;
      listeners.forEach(listener -> listener.changed(new ClockChange(kind, now, now, next)));
    }

    /** From now on the floor can't be written. */
    void breakDisk(String why) {
      fault = why;
    }

    @Override
    public long epoch() {
      return epoch.get();
    }

    @Override
    public boolean isCertain() {
      return verdict.isTrusted();
    }

    @Override
    public ClockStatus status() {
      return new ClockStatus(
          now,
          now,
          now,
          Instant.EPOCH,
          verdict,
          stops ? ClockSettings.Untrusted.STOP : ClockSettings.Untrusted.BOUNDED,
          Synchronised.NO,
          isCertain(),
          3,
          Optional.empty(),
          Optional.of(fault).filter(text -> !text.isEmpty()));
    }

    @Override
    public ClockStatus accept() throws ImpossibleTimeException, IOException {
      if (verdict == ClockVerdict.BEHIND_BUILD) {
        throw new ImpossibleTimeException("set the clock first");
      }
      if (!fault.isEmpty()) {
        throw new IOException(fault);
      }
      judge(ClockVerdict.TRUSTED, false);
      return status();
    }

    @Override
    public void listen(ClockListener listener) {
      listeners.add(listener);
    }

    @Override
    public void close() {
      // Nothing is kept.
    }

    void advance(Duration by) {
      now = now.plus(by);
    }
  }

  final Clock clock = new Clock();
  final Path folder;
  final Path registrationFolder;
  final Registrations registrations;
  final Attestor attestor = Attestors.open(AttestationSettings.defaults());
  final CertificateAuthority authority;
  final TrustBundles bundles;
  final BundleReaders readers;
  final FakeAuditLog audit = new FakeAuditLog();
  final ExecutorService workers = Executors.newFixedThreadPool(4);
  private final PrivateKeyStore store;

  private final GatewayIdentity identity;

  private TestHome(Path folder, Duration lag, GatewayIdentity identity)
      throws IOException, KeyFault {
    this.identity = identity;
    clock.advance(lag.negated());
    this.folder = folder;
    registrationFolder = Files.createDirectory(folder.resolve("registrations.d"));
    registrations = RegistrationFolder.follow(registrationFolder, RULES, clock);
    SoftwareCrypto crypto = SoftwareCrypto.choose();
    store =
        PrivateKeyStores.createSoftware(
            folder.resolve("keys"),
            new SealSource.GeneratedFile(folder.resolve("seal.key")),
            crypto);
    CaSettings settings =
        new CaSettings(
            folder.resolve("ca"),
            identity,
            Lifetimes.defaults(),
            TokenLifetimes.defaults(),
            KeyType.EC_P256,
            KeyType.EC_P256,
            KeyType.EC_P256,
            IssuingCaSettings.standard(),
            OptionalLong.empty());
    AuthorityStores stores = AuthorityStores.single(store);
    X509Certificate root =
        CertificateAuthorities.create(settings, stores, crypto, clock).getFirst().certificate();
    authority = CertificateAuthorities.open(settings, stores, crypto, clock, workers);
    bundles =
        TrustBundleStore.create(
            folder.resolve("bundle.json"), Duration.ofMinutes(5), List.of(root));
    readers = TrustBundleStore.readers(folder.resolve("readers.json"), 1, clock, System::nanoTime);
  }

  static TestHome in(Path folder) throws IOException, KeyFault {
    return behind(folder, Duration.ZERO);
  }

  /** One whose clock is that much behind the real one, so that it can be set forward. */
  static TestHome behind(Path folder, Duration lag) throws IOException, KeyFault {
    return new TestHome(folder, lag, IDENTITY);
  }

  /** One that issues tokens in the name of that address. */
  static TestHome issuingAs(Path folder, String issuer) throws IOException, KeyFault {
    return new TestHome(
        folder,
        Duration.ZERO,
        new GatewayIdentity(IDENTITY.deviceId(), IDENTITY.trustDomain(), IDENTITY.layer(), issuer));
  }

  /** All parts as they are. */
  ApiParts parts() {
    return with(attestor, authority);
  }

  /** The parts with another attestor or authority. */
  ApiParts with(Attestor otherAttestor, CertificateAuthority otherAuthority) {
    return new ApiParts(
        identity,
        registrations,
        otherAttestor,
        otherAuthority,
        bundles,
        readers,
        () -> "",
        audit,
        clock,
        workers,
        heldUp -> {},
        () -> new Backups.Made("ab", Path.of("/b.zip"), 3, clock.instant(), List.of("the key")));
  }

  /** A registration that this process matches. */
  static Registration own(String name) {
    return registration(name, List.of(new Selector.Uid(OWN_UID)));
  }

  /** The same, which may have tokens for those audiences. */
  static Registration own(String name, List<String> audiences) {
    Registration own = own(name);
    return new Registration(
        own.name(),
        own.generation(),
        own.selectors(),
        own.profiles(),
        own.dns(),
        own.ip(),
        own.spiffePath(),
        own.ttl(),
        audiences,
        own.channels(),
        own.strict());
  }

  /** A registration that this user's processes of that program match. */
  static Registration ownProgram(String name, Path program) {
    return registration(
        name, List.of(new Selector.Uid(OWN_UID), new Selector.Path(program.toString())));
  }

  /** A registration that this process doesn't match. */
  static Registration foreign(String name) {
    return registration(name, List.of(new Selector.Uid(OWN_UID + 12345)));
  }

  static Registration registration(String name, List<Selector> selectors) {
    String bare = name.startsWith("$") ? name.substring(1) : name;
    return new Registration(
        name,
        "1",
        selectors,
        Set.of("identity", "server"),
        List.of("gateway.local", "*.gateway.local", "edgehub"),
        List.of("192.168.1.10"),
        bare.matches("[A-Za-z0-9._-]+") ? Optional.of(bare) : Optional.empty(),
        Optional.empty(),
        List.of(),
        Set.of(Registration.Channel.UNIX),
        false);
  }

  void add(Registration registration) throws IOException, RegistrationException {
    RegistrationFolder.add(registrationFolder, RULES, registration);
  }

  void remove(String name) throws IOException, RegistrationException {
    RegistrationFolder.remove(registrationFolder, RULES, name);
  }

  X509Certificate root() {
    return bundles.current().roots().getFirst();
  }

  /** Makes exactly these the added CAs. */
  void addToBundle(List<X509Certificate> cas) throws IOException {
    bundles.change(content ->
        new BundleContent(
            content.roots(),
            cas.stream()
                .map(ca -> new BundleContent.Added(ca, "uid 7", clock.instant()))
                .toList()));
  }

  private static long ownUid() {
    try {
      return Integer.toUnsignedLong(
          (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    registrations.close();
    authority.close();
    attestor.close();
    store.close();
    workers.shutdownNow();
  }
}
