package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClocks;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;

/** Makes and opens the gateway's CA. */
public final class CertificateAuthorities {
  private CertificateAuthorities() {}

  /**
   * Makes root and device CA, the masters of the modules' keys and the first token keys: in the
   * stores that are chosen for them or sealed by the device CA's, with certificates, {@code
   * jwks.json} and an empty ledger in the folder. What is half made after a crash is the caller's
   * to throw away, folder and key stores together.
   *
   * @return the two authorities, root first
   * @throws IOException if the folder can't be written, holds a CA already, or a store fails; the
   *     message names what to change
   */
  public static List<AuthorityInfo> create(
      CaSettings settings,
      AuthorityStores authorityStores,
      SoftwareCrypto crypto,
      InstantSource clock)
      throws IOException {
    try {
      return create(settings, authorityStores, crypto, clock, new RootSource.Self());
    } catch (OutsideException e) {
      throw new IllegalStateException("nothing came from outside", e);
    }
  }

  /**
   * The same, with a root from elsewhere.
   *
   * @throws OutsideException if the root can't be taken, or would not be believed
   */
  public static List<AuthorityInfo> create(
      CaSettings settings,
      AuthorityStores authorityStores,
      SoftwareCrypto crypto,
      InstantSource clock,
      RootSource source)
      throws IOException, OutsideException {
    makeFolder(settings.directory());
    NamedStores stores = new NamedStores(authorityStores);
    try (Ledger ledger = Ledger.create(settings.directory())) {
      TrustedClock believed = TrustedClocks.believing(clock);
      AuthorityFactory factory = new AuthorityFactory(settings, stores, crypto, ledger, believed);
      OutsideAuthorities outside =
          new OutsideAuthorities(settings, stores, crypto, ledger, believed);
      List<AuthorityInfo> made;
      String keyStore;
      if (source instanceof RootSource.Request) {
        keyStore = requested(outside, factory);
        made = List.of();
      } else {
        AuthorityFactory.Made root =
            source instanceof RootSource.Import(ImportedRoot imported)
                ? imported(outside, imported)
                : made("root-1", factory::makeRoot);
        AuthorityFactory.Made device = made("device-1", () -> factory.makeDevice(root));
        if (source instanceof RootSource.Import) {
          outside.requireValid(root.authority(), device.authority());
        }
        keyStore = device.authority().row().keyStore();
        made = List.of(root.authority().info(), device.authority().info());
      }
      new KeyServices(settings, stores.named(keyStore), crypto, ledger, believed, Pace.real())
          .make();
      return made;
    }
  }

  /** Makes one authority. */
  private interface Step {
    AuthorityFactory.Made make() throws KeyFault, IssuanceException;
  }

  private static String requested(OutsideAuthorities outside, AuthorityFactory factory)
      throws IOException {
    try {
      return outside
          .request(factory.wanted(AuthorityInfo.Role.DEVICE, Optional.empty()))
          .keyStore();
    } catch (KeyFault | IssuanceException e) {
      throw new IOException("the key of device-1: " + e.getMessage(), e);
    }
  }

  /**
   * The authorities of the CA in that folder that wait for certificates which others are to make.
   * Reads, never changes.
   *
   * @throws IOException if the database isn't there, is of another version, or damaged
   */
  public static List<AuthorityRequest> requests(Path directory) throws IOException {
    return OutsideSteps.requests(directory);
  }

  /**
   * Makes the key of the next device CA of a CA whose root is elsewhere, in the store of the
   * present one, and a request for its certificate. No service may have the CA open.
   *
   * @param keyStore name of its store; another than that of the present one is refused, since only
   *     a service that has the CA open moves what that store sealed
   * @throws OutsideException if the root is here, or a request waits already
   * @throws IOException if the database is in use or damaged, the store fails, or the time is not
   *     trusted
   */
  public static AuthorityRequest request(
      CaSettings settings,
      AuthorityStores authorityStores,
      SoftwareCrypto crypto,
      TrustedClock clock,
      Optional<String> keyStore)
      throws IOException, OutsideException {
    return OutsideSteps.request(settings, authorityStores, crypto, clock, keyStore);
  }

  /**
   * Gives up the request that waits. No service may have the CA open.
   *
   * @return the id of the authority that will not be
   * @throws OutsideException if none waits
   * @throws IOException if the database is in use or damaged
   */
  public static String giveUp(Path directory) throws IOException, OutsideException {
    return OutsideSteps.giveUp(directory);
  }

  /**
   * Takes the certificate that others made for the request that waits, and lets that device CA
   * issue from the next start on. No service may have the CA open.
   *
   * @param file the certificate and those over it, up to one that is signed by itself: PEM, in any
   *     order
   * @param before told the one signed by itself when all is checked and nothing is changed yet, so
   *     that those who verify can be told first
   * @return every authority, the newest last
   * @throws OutsideException if it is not the certificate that was asked for, or would not be
   *     believed; nothing is changed then
   * @throws IOException if the database is in use or damaged, the store fails, or the time is not
   *     trusted
   */
  public static List<AuthorityInfo> accept(
      CaSettings settings,
      AuthorityStores authorityStores,
      SoftwareCrypto crypto,
      TrustedClock clock,
      byte[] file,
      Announcement before)
      throws IOException, OutsideException {
    return OutsideSteps.accept(settings, authorityStores, crypto, clock, file, before);
  }

  /** Told of the certificate that those who verify must trust, before anything rests on it. */
  public interface Announcement {
    /**
     * Tells them.
     *
     * @throws IOException if they can't be told; then nothing is changed
     */
    void publish(X509Certificate anchor) throws IOException;
  }

  private static AuthorityFactory.Made imported(OutsideAuthorities outside, ImportedRoot root)
      throws IOException, OutsideException {
    try {
      return outside.importRoot(root);
    } catch (KeyFault | IssuanceException e) {
      throw new IOException("the key of root-1: " + e.getMessage(), e);
    }
  }

  private static AuthorityFactory.Made made(String id, Step step) throws IOException {
    try {
      return step.make();
    } catch (KeyFault e) {
      throw new IOException("the key of " + id + ": " + e.getMessage(), e);
    } catch (IssuanceException e) {
      // An administrator sees this: what the key store said tells more than what a module is told.
      Throwable told = e.getCause() instanceof KeyFault fault ? fault : e;
      throw new IOException("the key of " + id + ": " + told.getMessage(), told);
    }
  }

  private static void makeFolder(Path folder) throws IOException {
    try {
      Files.createDirectory(
          folder,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw new IOException(folder + " is not a folder", e);
      }
    }
  }

  /**
   * Opens the CA. If a key store is away just now, the CA opens and answers "unavailable" until the
   * store is back. The root's store is opened when the root is to sign, not now.
   *
   * @param executor where issuing runs; may have many threads
   * @throws IOException if the database is of another version, damaged or locked, is not of the
   *     gateway that the settings name, or the store holds another key than the device CA's
   *     certificate; the message names what to change
   */
  public static CertificateAuthority open(
      CaSettings settings,
      AuthorityStores stores,
      SoftwareCrypto crypto,
      TrustedClock clock,
      Executor executor)
      throws IOException {
    Ledger ledger = Ledger.open(settings.directory(), settings.ledger());
    return open(
        settings,
        stores,
        crypto,
        clock,
        executor,
        ledger,
        Pace.real(),
        RotationSettings.byHand(),
        Optional.empty());
  }

  /**
   * The same, with a device CA that is rotated as these settings say, and a trust bundle that
   * follows the roots.
   *
   * @throws IOException as above
   */
  public static CertificateAuthority open(
      CaSettings settings,
      AuthorityStores stores,
      SoftwareCrypto crypto,
      TrustedClock clock,
      Executor executor,
      RotationSettings rotation,
      RootBundle.Source bundle)
      throws IOException {
    Ledger ledger = Ledger.open(settings.directory(), settings.ledger());
    return open(
        settings,
        stores,
        crypto,
        clock,
        executor,
        ledger,
        Pace.real(),
        rotation,
        Optional.of(bundle));
  }

  /** The same on a ledger that is open already, which is closed again if this fails. */
  static CertificateAuthority open(
      CaSettings settings,
      AuthorityStores authorityStores,
      SoftwareCrypto crypto,
      TrustedClock clock,
      Executor executor,
      Ledger ledger,
      Pace pace,
      RotationSettings rotation,
      Optional<RootBundle.Source> source)
      throws IOException {
    try {
      OutsideSteps.requireCertified(ledger);
      ledger.settle();
      AuthorityChain chain = AuthorityChain.load(ledger, settings, crypto, clock.instant());
      Optional<RootBundle> bundle = followed(source, chain, ledger.gaps(), clock);
      List<StoredAuthority> delegates = delegates(ledger);
      var _ = ledger.thin(settings.ledger(), clock);
      NamedStores stores = new NamedStores(authorityStores);
      UnderWay underWay = new UnderWay();
      AuthorityFactory factory = new AuthorityFactory(settings, stores, crypto, ledger, clock);
      Issuers issuers =
          new Issuers(settings, chain, delegates, stores, crypto, factory, clock, pace, underWay);
      findIfThere(issuers.device().key());
      NamedStore sealing = stores.named(chain.device().row().keyStore());
      KeyServices services = new KeyServices(settings, sealing, crypto, ledger, clock, pace);
      services.start();
      Optional<LiveCertificates> live = live(settings);
      RevocationService revocations =
          new RevocationOpening(settings, ledger, issuers, stores, crypto, clock, pace).open(live);
      count(ledger, clock, live);
      // The first issuing CA is being made when the first request comes.
      var _ = issuers.ready();
      clock.listen(change -> {
        var _ = issuers.ready();
      });
      AuthorityParts parts =
          new AuthorityParts(
              settings, stores, crypto, ledger, issuers, services, factory, clock, pace, bundle);
      AuthoritySteps changes = AuthoritySteps.of(parts, rotation, underWay);
      AutomaticRotation automatic = changes.automatic();
      automatic.start();
      return new IssuingService(
          issuers,
          stores,
          ledger,
          new LeafPreparer(settings, issuers, crypto, clock, live),
          services,
          changes,
          automatic,
          revocations,
          new ChildAuthorities(settings, issuers, ledger, clock, revocations.distrust()::covers),
          parts::followRoots,
          underWay,
          executor,
          pace.intentWait());
    } catch (IOException e) {
      ledger.close();
      throw e;
    }
  }

  private static Optional<RootBundle> followed(
      Optional<RootBundle.Source> source, AuthorityChain chain, GapLedger gaps, TrustedClock clock)
      throws IOException {
    if (source.isEmpty()) {
      return Optional.empty();
    }
    RootBundle bundle = source.get().open();
    if (gaps.isOpen()) {
      // How the roots stand is how they stood once: it is for a person to accept that.
      return Optional.of(bundle);
    }
    try {
      bundle.follow(() -> chain, clock);
    } catch (IllegalArgumentException e) {
      throw new IOException("the trust bundle can't hold the roots: " + e.getMessage(), e);
    }
    return Optional.of(bundle);
  }

  private static Optional<LiveCertificates> live(CaSettings settings) {
    return settings.liveCertificates().isEmpty()
        ? Optional.empty()
        : Optional.of(new LiveCertificates(settings.liveCertificates().getAsLong()));
  }

  /** After what the kept lists name was taken in: what is revoked does not count. */
  private static void count(Ledger ledger, InstantSource clock, Optional<LiveCertificates> live)
      throws IOException {
    if (live.isPresent()) {
      ledger.living(clock.instant(), live.get());
    }
  }

  /** Issuing CAs whose keys went with the process that made them. */
  private static List<StoredAuthority> delegates(Ledger ledger) throws IOException {
    return ledger.authorities().stream()
        .filter(it -> it.row().role() == AuthorityInfo.Role.ISSUING)
        .map(it -> it.in(AuthorityInfo.State.RETIRING))
        .toList();
  }

  /**
   * When the newest certificate of the CA in that folder was made or begun, as far as the ledger
   * knows: that moment has passed. Reads, never changes.
   *
   * @throws IOException if the database isn't there, is of another version, or damaged
   */
  public static Optional<Instant> newest(Path directory) throws IOException {
    return LedgerReader.newest(directory);
  }

  private static void findIfThere(SigningKey key) throws IOException {
    try {
      key.find();
    } catch (KeyFault.Unavailable e) {
      System.getLogger(CertificateAuthorities.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "the key store is away, nothing is issued until it is back: {0}",
              e.getMessage());
    } catch (KeyFault e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  /**
   * {@link CertificateAuthority#authorities} while no service has the CA open, with issuing CAs
   * that have ended. Reads, never changes.
   *
   * @throws IOException if the database isn't there, is of another version, or damaged
   */
  public static List<AuthorityInfo> list(CaSettings settings) throws IOException {
    return LedgerReader.authorities(settings.directory()).stream()
        .map(StoredAuthority::info)
        .toList();
  }

  /**
   * {@link CertificateAuthority#prove} while no service has the CA open. Reads, never changes: a
   * database of an older release stays as it is.
   *
   * @throws IOException if the database isn't there, is of another version, or damaged
   */
  public static List<AuthorityProof> prove(
      CaSettings settings, AuthorityStores stores, SoftwareCrypto crypto) throws IOException {
    return Proofs.of(
        LedgerReader.authorities(settings.directory()), new NamedStores(stores), crypto);
  }
}
