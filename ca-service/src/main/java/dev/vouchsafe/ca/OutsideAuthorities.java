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
    root.chain().validate(Optional.empty(), now);
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
    ledger.storeFromOutside(row, encoded(root.certificate()), encoded(root.chain().above()));
    AuthorityKey key =
        new AuthorityKey(
            stores.named(row.keyStore()), crypto, row.keyLabel(), type, stored.publicKey());
    return new AuthorityFactory.Made(
        new StoredAuthority(row, root.certificate(), root.chain().above()), key);
  }

  /**
   * Makes a device CA's key, and the request for its certificate. A crash in between leaves a
   * generation that is used up, and perhaps a key that nobody uses.
   *
   * @param keyStore name of its store
   */
  AuthorityRow request(String keyStore) throws KeyFault, IssuanceException {
    TrustedClock.Reading time = clock.read();
    Times.requireTrusted(time);
    KeyType type = stores.keyType(Role.DEVICE).orElse(settings.deviceKey());
    PrivateKeyStore store = stores.openOrMake(keyStore);
    if (!store.keyTypes().contains(type)) {
      throw new KeyFault.Failed(
          "the key store "
              + keyStore
              + " makes no keys of type "
              + type.text()
              + ", which [keys] device-type is");
    }
    byte[] serial = serials.next(time.now());
    AuthorityRow row =
        ledger.reserve(new NewAuthority(Role.DEVICE, keyStore, type, State.PREPARED), serial);
    StoredKey key = store.make(row.keyLabel(), type);
    byte[] info =
        new RequestBuilder(settings.identity())
            .info(AuthorityPlan.device(settings), row, serial, key.publicKey());
    byte[] signature = key.sign(info);
    if (!crypto.verify(key.publicKey(), type, info, signature)) {
      throw new KeyFault.Failed("the key store's signature does not verify");
    }
    ledger.storeRequest(row, RequestBuilder.signed(info, type, signature));
    return row;
  }

  /**
   * Takes the certificate that others made for a request.
   *
   * @param given it and those over it, in any order
   * @param before told the last one over it before anything is changed
   */
  void accept(
      StoredRequest request,
      List<X509Certificate> given,
      CertificateAuthorities.Announcement before)
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
    String _ = key.prove(chain.first().getSubjectX500Principal());
    before.publish(chain.certificates().getLast());
    ledger.accept(row, root(chain), serials.next(time.now()), encoded(chain));
  }

  /** Who signed it: the same as before, or one that is new here. */
  private static NewAuthority root(OutsideChain chain) {
    return new NewAuthority(
        Role.ROOT,
        AuthorityInfo.OUTSIDE,
        KeyType.of(chain.above().getFirst().getPublicKey()).orElseThrow(),
        State.ACTIVE);
  }

  private static OutsideRows.Encoded encoded(OutsideChain chain) {
    try {
      List<X509Certificate> above = chain.above();
      return new OutsideRows.Encoded(
          new Blob(encoded(chain.first())),
          new Blob(Octets.sha256(chain.first().getTBSCertificate())),
          new Blob(encoded(above.getFirst())),
          encoded(above.subList(1, above.size())));
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
