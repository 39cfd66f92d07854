package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.LedgerReader.StoredRequest;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.keys.StoredKey;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.pkcs.CertificationRequest;

/** Takes in what others made: a CA with its key, or the certificate of our own device CA. */
final class OutsideAuthorities {
  private final CaSettings settings;
  private final NamedStores stores;
  private final SoftwareCrypto crypto;
  private final Ledger ledger;
  private final TrustedClock clock;
  private final Serials serials = new Serials();

  OutsideAuthorities(
      CaSettings settings,
      NamedStores stores,
      SoftwareCrypto crypto,
      Ledger ledger,
      TrustedClock clock) {
    this.settings = settings;
    this.stores = stores;
    this.crypto = crypto;
    this.ledger = ledger;
    this.clock = clock;
  }

  /** How many layers of authorities must have room under one that signs the device CA. */
  static int roomUnderRoot(GatewayIdentity identity) {
    return AuthorityPlan.pathLength(identity.layer()) + 1;
  }

  /**
   * Makes an imported CA the root: key in the store that is chosen for the root, certificate and
   * those over it in the ledger.
   */
  AuthorityFactory.Made importRoot(ImportedRoot root)
      throws KeyFault, IssuanceException, OutsideException {
    Instant now = clock.read().now();
    root.chain().check(roomUnderRoot(settings.identity()), now);
    root.chain().requireLists();
    root.chain().validate(Optional.empty(), now);
    requireRoom(root.chain());
    KeyType type = root.type();
    NewAuthority wanted = new NewAuthority(Role.ROOT, stores.chosen(Role.ROOT), type, State.ACTIVE);
    PrivateKeyStore store = stores.openOrMake(wanted.keyStore());
    if (!store.takesKeys()) {
      throw new OutsideException(
          "the key store "
              + wanted.keyStore()
              + " makes its keys itself and takes none: give --root-store software, or leave the"
              + " key where it is and have the device CA signed there with --root csr");
    }
    AuthorityRow row = ledger.reserve(wanted, serials.next(now));
    StoredKey stored = store.take(row.keyLabel(), type, root.pair());
    ledger.outside().store(row, encoded(root.certificate()), encoded(root.chain().above()));
    AuthorityKey key =
        new AuthorityKey(
            stores.named(row.keyStore()), crypto, row.keyLabel(), type, stored.publicKey());
    return new AuthorityFactory.Made(
        new StoredAuthority(row, root.certificate(), root.chain().above()), key);
  }

  /** What the gate of names can't read it could not hold; and something must be left to issue. */
  private void requireRoom(OutsideChain chain) throws OutsideException {
    SanName spiffeId = new SanName.Uri("spiffe://" + settings.identity().trustDomain() + "/module");
    try {
      NameLimits limits = NameLimits.of(chain.certificates());
      Optional<String> by =
          limits
              .forbids(spiffeId)
              .or(() -> limits.forbids(LeafBuilder.subject("module"), "module", List.of()));
      if (by.isPresent()) {
        throw new OutsideException(
            "what is signed for this gateway would not be valid: the name constraints of '"
                + by.get()
                + "' forbid the SPIFFE IDs or the subjects of its modules");
      }
    } catch (IOException e) {
      throw new OutsideException(
          "the chain has name constraints of a kind that is not known: use another CA", e);
    }
  }

  /**
   * Makes a device CA's key, and the request for its certificate. A crash in between leaves a
   * generation that is used up, and perhaps a key that nobody uses.
   *
   * @param wanted what {@link AuthorityFactory#wanted} has found possible
   */
  AuthorityRow request(NewAuthority wanted) throws KeyFault, IssuanceException {
    TrustedClock.Reading time = clock.read();
    Times.requireTrusted(time);
    byte[] serial = serials.next(time.now());
    AuthorityRow row = ledger.reserve(wanted, serial);
    boolean made = false;
    try {
      StoredKey key = stores.openOrMake(row.keyStore()).make(row.keyLabel(), row.keyType());
      byte[] info =
          new RequestBuilder(settings.identity())
              .info(AuthorityPlan.device(settings), row, serial, key.publicKey());
      byte[] signature = key.sign(info);
      if (!crypto.verify(key.publicKey(), row.keyType(), info, signature)) {
        throw new KeyFault.Failed("the key store's signature does not verify");
      }
      ledger.outside().request(row, RequestBuilder.signed(info, row.keyType(), signature));
      made = true;
      return row;
    } finally {
      if (!made) {
        ledger.giveUp(row);
      }
    }
  }

  /**
   * The certificate that others made for a request, held against all that it must be.
   *
   * @param row whose it is
   * @param known the root that signed it, if the ledger has it, with the same certificates over it
   */
  record Checked(AuthorityRow row, OutsideChain chain, Optional<StoredAuthority> known) {
    /** The one that those who verify must trust. */
    X509Certificate anchor() {
      return chain.certificates().getLast();
    }
  }

  /**
   * Holds an answer against its request, and proves the key that it is for. Changes nothing.
   *
   * @param given the certificate and those over it, in any order
   */
  Checked check(StoredRequest request, List<X509Certificate> given)
      throws KeyFault, IssuanceException, OutsideException, IOException {
    TrustedClock.Reading time = clock.read();
    Times.requireTrusted(time);
    AuthorityRow row = request.row();
    PublicKey publicKey = publicKey(request);
    OutsideChain chain =
        new OutsideAnswer(settings.identity())
            .check(given, request.request().octets(), publicKey, row.id(), time.now());
    AuthorityKey key =
        new AuthorityKey(
            stores.named(row.keyStore()), crypto, row.keyLabel(), row.keyType(), publicKey);
    requireRoom(chain);
    String _ = key.prove(chain.first().getSubjectX500Principal());
    return new Checked(row, chain, known(chain.above()));
  }

  /** That very root, under the very same: a chain that changed above it is another root. */
  private Optional<StoredAuthority> known(List<X509Certificate> above) throws IOException {
    return ledger.authorities().stream()
        .filter(it -> it.row().role() == Role.ROOT && it.row().isOutside())
        .filter(it -> it.row().state() == State.ACTIVE || it.row().state() == State.RETIRING)
        .filter(it -> it.certificate().equals(above.getFirst()))
        .filter(it -> it.above().equals(above.subList(1, above.size())))
        .findFirst();
  }

  /**
   * What is to be written, and how the authorities are then.
   *
   * @param root who signed the device CA, with the number that the ledger has given it
   */
  record Taking(OutsideRows.Answer answer, StoredAuthority root, StoredAuthority device) {}

  /**
   * Gives a root that is new here its number, which signs nothing here: its key is with others. A
   * crash after that leaves a generation that is used up.
   */
  Taking take(Checked checked) throws IssuanceException {
    List<X509Certificate> above = checked.chain().above();
    List<X509Certificate> over = above.subList(1, above.size());
    AuthorityRow root =
        checked.known().isPresent()
            ? checked.known().get().row()
            : ledger.reserve(
                new NewAuthority(
                    Role.ROOT,
                    AuthorityInfo.OUTSIDE,
                    KeyType.of(above.getFirst().getPublicKey()).orElseThrow(),
                    State.PREPARED),
                serials.next(clock.instant()));
    StoredAuthority stored = new StoredAuthority(root.in(State.ACTIVE), above.getFirst(), over);
    StoredAuthority device =
        new StoredAuthority(checked.row().in(State.ACTIVE), checked.chain().first()).under(stored);
    return new Taking(
        new OutsideRows.Answer(
            checked.row(),
            new Blob(encoded(checked.chain().first())),
            new Blob(tbsSha256(checked.chain().first())),
            root,
            checked.known().isPresent()
                ? Optional.empty()
                : Optional.of(
                    new OutsideRows.RootChain(new Blob(encoded(above.getFirst())), encoded(over)))),
        stored,
        device);
  }

  /** The root that {@link #take} gave a number will not be: the rest was not written. */
  void giveUp(Taking taking) {
    if (taking.answer().chain().isPresent()) {
      ledger.giveUp(taking.answer().root());
    }
  }

  private static byte[] tbsSha256(X509Certificate certificate) {
    try {
      return Octets.sha256(certificate.getTBSCertificate());
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("what was read can be encoded", e);
    }
  }

  private static PublicKey publicKey(StoredRequest request) throws OutsideException {
    try {
      return KeyFactory.getInstance(request.row().keyType().keyAlgorithm())
          .generatePublic(
              new X509EncodedKeySpec(
                  CertificationRequest.getInstance(request.request().octets())
                      .getCertificationRequestInfo()
                      .getSubjectPublicKeyInfo()
                      .getEncoded()));
    } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
      throw new OutsideException("the request of " + request.row().id() + " is damaged", e);
    }
  }

  /** It for those who are to sign it. */
  static AuthorityRequest told(StoredRequest request, boolean first) {
    return new AuthorityRequest(
        request.row().id(),
        request.row().keyStore(),
        CertificationRequest.getInstance(request.request().octets())
            .getCertificationRequestInfo()
            .getSubject()
            .toString(),
        Pem.request(request.request().octets()),
        first);
  }

  /** Has what was signed under a root from outside validated as those who verify will do it. */
  void requireValid(StoredAuthority root, StoredAuthority device) throws OutsideException {
    List<X509Certificate> chain = new ArrayList<>();
    chain.add(root.certificate());
    chain.addAll(root.above());
    new OutsideChain(chain).validate(Optional.of(device.certificate()), clock.read().now());
  }

  static byte[] encoded(X509Certificate certificate) {
    try {
      return certificate.getEncoded();
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("what was read can be encoded", e);
    }
  }

  static List<byte[]> encoded(List<X509Certificate> certificates) {
    List<byte[]> octets = new ArrayList<>();
    certificates.forEach(each -> octets.add(encoded(each)));
    return octets;
  }
}
