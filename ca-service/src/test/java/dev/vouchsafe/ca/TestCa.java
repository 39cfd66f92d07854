package dev.vouchsafe.ca;

import dev.vouchsafe.ca.clock.ClockChange;
import dev.vouchsafe.ca.clock.ClockListener;
import dev.vouchsafe.ca.clock.ClockSettings;
import dev.vouchsafe.ca.clock.ClockStatus;
import dev.vouchsafe.ca.clock.ClockVerdict;
import dev.vouchsafe.ca.clock.Synchronised;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.PrivateKeyStores;
import dev.vouchsafe.keys.SealSource;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/** A CA in a folder of its test, with the real software store and a clock that the test sets. */
final class TestCa implements AutoCloseable {
  static final SoftwareCrypto CRYPTO = SoftwareCrypto.choose();
  static final Instant NOW = Instant.parse("2026-11-05T10:20:30.456Z");
  static final String SPIFFE_ID = "spiffe://gw.example/edgeHub";

  /** A clock that stands until it is set. */
  static final class Clock implements TrustedClock {
    private volatile Instant now = NOW;
    private volatile Instant floor = NOW;
    private volatile Trust trust = Trust.TRUSTED;
    private volatile boolean inDoubt;
    private final AtomicLong epoch = new AtomicLong();
    private final AtomicLong nanos = new AtomicLong(77);
    private final List<ClockListener> listeners = new CopyOnWriteArrayList<>();

    @Override
    public Reading read() {
      return new Reading(now, trust);
    }

    /** The time is not trusted from now on, or is again; whoever listens is told. */
    void trust(Trust next) {
      boolean regained = trust != Trust.TRUSTED && next == Trust.TRUSTED;
      trust = next;
      if (regained) {
        epoch.incrementAndGet();
      }
      ClockChange change =
          new ClockChange(
              regained ? ClockChange.Kind.TRUSTED : ClockChange.Kind.UNTRUSTED,
              now,
              now,
              regained ? ClockVerdict.TRUSTED : ClockVerdict.BEHIND_FLOOR);
      listeners.forEach(listener -> listener.changed(change));
    }

    @Override
    public long epoch() {
      return epoch.get();
    }

    @Override
    public boolean isCertain() {
      return trust == Trust.TRUSTED && !inDoubt;
    }

    /** It is still trusted, but may be ahead: the floor stays where it is from now on. */
    void doubt(boolean wanted) {
      inDoubt = wanted;
      set(now);
    }

    @Override
    public ClockStatus status() {
      return new ClockStatus(
          now,
          now,
          floor,
          Instant.EPOCH,
          ClockVerdict.TRUSTED,
          ClockSettings.Untrusted.BOUNDED,
          Synchronised.UNKNOWN,
          isCertain(),
          0,
          Optional.empty(),
          Optional.empty());
    }

    @Override
    public ClockStatus accept() {
      throw new UnsupportedOperationException("only what issues is tested with this clock");
    }

    @Override
    public void listen(ClockListener listener) {
      listeners.add(listener);
    }

    @Override
    public void close() {
      // Nothing is kept.
    }

    /** The clock is set; no time passes. */
    void set(Instant instant) {
      now = instant;
      if (isCertain()) {
        floor = instant;
      }
    }

    /** Time passes, and the clock shows it. */
    void pass(Duration time) {
      set(now.plus(time));
      passUnseen(time);
    }

    /** Time passes, and the clock doesn't show it. */
    void passUnseen(Duration time) {
      nanos.addAndGet(time.toNanos());
    }

    long nanoTime() {
      return nanos.get();
    }
  }

  static final GatewayIdentity GATEWAY = new GatewayIdentity("gw1", "gw.example", 1);

  final Clock clock = new Clock();
  final CaSettings settings;
  final InsecureStores stores;

  /** The one of the device CA. */
  final InsecureFaultyStore store;

  final ExecutorService executor = Executors.newFixedThreadPool(2);
  private Pace pace = patience(Duration.ofSeconds(30));
  private LedgerSchema.Connector connector = LedgerSchema::connect;
  private RotationSettings rotation = RotationSettings.byHand();
  private Optional<RootBundle.Source> bundle = Optional.empty();
  private CertificateAuthority ca;

  private TestCa(CaSettings settings, Instant now, InsecureStores stores, boolean make)
      throws IOException, KeyFault {
    this.settings = settings;
    this.stores = stores;
    clock.set(now);
    if (make) {
      CertificateAuthorities.create(settings, stores, CRYPTO, clock);
    }
    ca = opened();
    store = stores.get(active(AuthorityInfo.Role.DEVICE).keyStore());
  }

  static TestCa in(Path folder) throws IOException, KeyFault {
    return with(settings(folder));
  }

  static TestCa with(CaSettings settings) throws IOException, KeyFault {
    return with(settings, NOW);
  }

  static TestCa with(CaSettings settings, Instant now) throws IOException, KeyFault {
    return new TestCa(settings, now, stores(settings), true);
  }

  /** With authorities in several stores. */
  static TestCa with(CaSettings settings, InsecureStores stores) throws IOException, KeyFault {
    return new TestCa(settings, NOW, stores, true);
  }

  /** One that was made before, by another process perhaps. */
  static TestCa reopened(CaSettings settings) throws IOException, KeyFault {
    return new TestCa(settings, NOW, stores(settings), false);
  }

  /** The same, at another time. */
  static TestCa reopened(CaSettings settings, Instant now) throws IOException, KeyFault {
    return new TestCa(settings, now, stores(settings), false);
  }

  /** Stores beside the folder of that CA. */
  static InsecureStores stores(CaSettings settings) {
    return new InsecureStores(Objects.requireNonNull(settings.directory().getParent()));
  }

  static CaSettings settings(Path folder) {
    return settings(folder, Lifetimes.defaults(), KeyType.EC_P256, 1);
  }

  static CaSettings settings(Path folder, Lifetimes lifetimes, KeyType keyType, int layer) {
    return new CaSettings(
        folder.resolve("ca"),
        new GatewayIdentity("gw1", "gw.example", layer),
        lifetimes,
        TokenLifetimes.defaults(),
        keyType,
        keyType,
        KeyType.EC_P256,
        IssuingCaSettings.standard(),
        OptionalLong.empty());
  }

  /** With an issuing CA, or not. */
  static CaSettings settings(Path folder, IssuingCaSettings issuing) {
    CaSettings plain = settings(folder);
    return new CaSettings(
        plain.directory(),
        plain.identity(),
        plain.lifetimes(),
        plain.tokens(),
        plain.rootKey(),
        plain.deviceKey(),
        plain.leafKey(),
        issuing,
        OptionalLong.empty());
  }

  /** The built-in leaf profile of that name. */
  static LeafProfile leaf(Profile name) {
    return Profiles.builtIn(Lifetimes.defaults(), 1).leaf(name).orElseThrow();
  }

  /** The same with another cap. */
  static LeafProfile capped(LeafProfile leaf, Duration cap) {
    return new LeafProfile(
        leaf.name(),
        leaf.keyTypes(),
        leaf.lifetime(),
        cap,
        leaf.usages(),
        leaf.purposes(),
        leaf.subject(),
        leaf.named(),
        leaf.names(),
        leaf.nameRequired());
  }

  /** A subject of that common name. */
  static List<SubjectTemplate.Part> subject(String commonName) {
    return List.of(new SubjectTemplate.Part(SubjectTemplate.Type.CN, commonName));
  }

  static PrivateKeyStore newStore(Path folder) throws KeyFault {
    return PrivateKeyStores.createSoftware(
        folder.resolve("other-keys"),
        new SealSource.GeneratedFile(folder.resolve("other.key")),
        CRYPTO);
  }

  CertificateAuthority ca() {
    return ca;
  }

  void reopen() throws IOException {
    ca.close();
    ca = opened();
  }

  private CertificateAuthority opened() throws IOException {
    Ledger ledger = Ledger.open(settings.directory(), connector);
    return CertificateAuthorities.open(
        settings, stores, CRYPTO, clock, executor, ledger, pace, rotation, bundle);
  }

  /** Opens it anew on that disk; nobody waits for longer than that. */
  void reopen(LedgerSchema.Connector disk, Duration longest) throws IOException {
    connector = disk;
    pace = patience(longest);
    reopen();
  }

  /** Opens it anew on a disk that works, with a trust bundle that follows the roots. */
  void restart(RootBundle wanted) throws IOException {
    connector = LedgerSchema::connect;
    reopen(wanted);
  }

  /** Opens it anew, with a trust bundle that follows the roots. */
  void reopen(RootBundle wanted) throws IOException {
    bundle(wanted);
    reopen();
  }

  /** The same the next time that it is opened. */
  void bundle(RootBundle wanted) {
    bundle = Optional.of(() -> wanted);
  }

  /** Opens it anew, with such a rotation. */
  void reopen(RotationSettings wanted) throws IOException {
    rotation = wanted;
    reopen();
  }

  private Pace patience(Duration longest) {
    return new Pace(clock::nanoTime, longest, longest, longest);
  }

  IssuedCertificate issue(Grant grant, CertificateRequest request) throws IssuanceException {
    try {
      return ca.issue(grant, request).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof IssuanceException refused) {
        throw refused;
      }
      throw e;
    }
  }

  IssuedToken token(Grant grant, TokenRequest request) throws IssuanceException {
    return token(ca.tokens(), grant, request);
  }

  static IssuedToken token(TokenIssuer tokens, Grant grant, TokenRequest request)
      throws IssuanceException {
    try {
      return tokens.issue(grant, request).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof IssuanceException refused) {
        throw refused;
      }
      throw e;
    }
  }

  X509Certificate leaf(Grant grant, CertificateRequest request)
      throws IssuanceException, CertificateException {
    return chain(issue(grant, request)).getFirst();
  }

  static List<X509Certificate> chain(IssuedCertificate issued) throws CertificateException {
    return CertificateFactory.getInstance("X.509")
        .generateCertificates(
            new ByteArrayInputStream(issued.certificatePem().getBytes(StandardCharsets.US_ASCII)))
        .stream()
        .map(X509Certificate.class::cast)
        .toList();
  }

  X509Certificate root() {
    return active(AuthorityInfo.Role.ROOT).certificate();
  }

  X509Certificate device() {
    return active(AuthorityInfo.Role.DEVICE).certificate();
  }

  AuthorityInfo active(AuthorityInfo.Role role) {
    return ca.authorities().stream()
        .filter(it -> it.role() == role && it.state() == AuthorityInfo.State.ACTIVE)
        .findAny()
        .orElseThrow();
  }

  static Grant grant() {
    return grant(
        List.of("gateway.local", "*.gateway.local", "edgehub"), List.of("192.168.1.10", "fd00::1"));
  }

  static Grant grant(List<String> dns, List<String> ip) {
    return new Grant(
        "edgeHub",
        "1",
        Set.of(Profile.IDENTITY, Profile.SERVER),
        dns,
        ip,
        Optional.of(SPIFFE_ID),
        Optional.empty(),
        List.of(),
        Optional.empty());
  }

  static Grant grantFor(Duration ttl) {
    return new Grant(
        "edgeHub",
        "1",
        Set.of(Profile.IDENTITY, Profile.SERVER),
        List.of("gateway.local"),
        List.of(),
        Optional.of(SPIFFE_ID),
        Optional.empty(),
        List.of(),
        Optional.of(ttl));
  }

  @Override
  public void close() {
    ca.close();
    stores.close();
    executor.close();
  }
}
