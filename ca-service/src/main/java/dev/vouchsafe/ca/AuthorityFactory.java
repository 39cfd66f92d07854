package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.keys.StoredKey;
import java.security.KeyPair;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Optional;
import java.util.stream.Collectors;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;

/**
 * Makes authorities: generation in the ledger, key in its store, lint, intent in the ledger,
 * signature, verification. A crash in between leaves a generation that is used up, and perhaps a
 * key that nobody uses.
 */
final class AuthorityFactory {
  /** An authority with the key that signs for it. */
  record Made(LedgerReader.StoredAuthority authority, SigningKey key) {}

  /** A key that was made for an authority. */
  private record Fresh(PublicKey publicKey, SigningKey key) {}

  /** Makes the key of an authority, now that its generation is known. */
  private interface KeyMaker {
    Fresh make(AuthorityRow row) throws KeyFault;
  }

  /** Where an issuing CA's key is, in the place of a store's name. */
  private static final String IN_MEMORY = "memory";

  private static final KeyType ISSUING_KEY = KeyType.EC_P256;

  private final CaSettings settings;
  private final NamedStores stores;
  private final SoftwareCrypto crypto;
  private final Ledger ledger;
  private final TrustedClock clock;
  private final Serials serials = new Serials();

  AuthorityFactory(
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

  /** The first root, in the store that is chosen for it. */
  Made makeRoot() throws KeyFault, IssuanceException {
    return make(
        AuthorityPlan.root(settings),
        wanted(AuthorityInfo.Role.ROOT, AuthorityInfo.State.ACTIVE),
        Optional.empty());
  }

  /** The first device CA, in the store that is chosen for it. */
  Made makeDevice(Made root) throws KeyFault, IssuanceException {
    return make(
        AuthorityPlan.device(settings),
        wanted(AuthorityInfo.Role.DEVICE, AuthorityInfo.State.ACTIVE),
        Optional.of(root));
  }

  /**
   * Another device CA, which is to sign later.
   *
   * @param wanted what {@link #wanted(AuthorityInfo.Role, Optional)} has found possible
   */
  Made prepareDevice(Made root, NewAuthority wanted) throws KeyFault, IssuanceException {
    return make(AuthorityPlan.device(settings), wanted, Optional.of(root));
  }

  /** Another root, signed by itself, which is to sign later. */
  Made prepareRoot(NewAuthority wanted) throws KeyFault, IssuanceException {
    return make(AuthorityPlan.root(settings), wanted, Optional.empty());
  }

  /** Has one root vouch for the key of another, as the ledger knows before it signs. */
  X509Certificate cross(LedgerReader.StoredAuthority subject, Made issuer)
      throws IssuanceException {
    TrustedClock.Reading time = clock.read();
    Times.requireTrusted(time);
    LedgerReader.StoredAuthority signer = issuer.authority();
    byte[] serial = serials.next(time.now());
    byte[] tbs = new CrossBuilder(subject, signer, time.now()).tbs(serial);
    CrossLint.check(tbs, serial, subject, signer, time.now());
    Instant end = CrossBuilder.notAfter(subject, signer);
    byte[] signature =
        issuer.key().sign(ledger.recordCross(subject.row(), signer.row(), serial, tbs, end));
    byte[] der = Signed.certificate(tbs, SignatureAlgorithms.of(signer.row().keyType()), signature);
    X509Certificate certificate = AuthorityBuilder.parse(der);
    ledger.storeCross(serial, der);
    return certificate;
  }

  /**
   * What another authority would be, with its store opened or made.
   *
   * @param keyStore name of its store; empty for the one that is chosen for its role
   * @throws KeyFault if that store can't be had, or doesn't make such keys; names the setting
   */
  NewAuthority wanted(AuthorityInfo.Role role, Optional<String> keyStore) throws KeyFault {
    NewAuthority wanted =
        new NewAuthority(
            role,
            keyStore.isPresent() ? keyStore.get() : stores.chosen(role),
            keyType(role),
            AuthorityInfo.State.PREPARED);
    PrivateKeyStore _ = store(wanted);
    return wanted;
  }

  private KeyType keyType(AuthorityInfo.Role role) throws KeyFault.Failed {
    KeyType atStart = role == AuthorityInfo.Role.ROOT ? settings.rootKey() : settings.deviceKey();
    return stores.keyType(role).orElse(atStart);
  }

  /** The store of a new authority, before a generation is used up for it. */
  private PrivateKeyStore store(NewAuthority wanted) throws KeyFault {
    PrivateKeyStore store = stores.openOrMake(wanted.keyStore());
    if (!store.keyTypes().contains(wanted.keyType())) {
      throw new KeyFault.Failed(
          "the key store "
              + wanted.keyStore()
              + " makes keys of type "
              + store.keyTypes().stream()
                  .map(KeyType::text)
                  .sorted()
                  .collect(Collectors.joining(", "))
              + " only, and [keys] "
              + (wanted.role() == AuthorityInfo.Role.ROOT ? "root-type" : "device-type")
              + " is "
              + wanted.keyType().text());
    }
    return store;
  }

  /**
   * An issuing CA, whose key is in memory only.
   *
   * @throws IssuanceException {@link Reason#AUTHORITY_UNAVAILABLE} if the device CA isn't valid
   *     now; {@link Reason#GAP_NOT_ACCEPTED}
   */
  Made makeIssuing(Made device) throws KeyFault, IssuanceException {
    ledger.gaps().requireNone();
    requireValid(device.authority());
    device.key().find();
    NewAuthority wanted =
        new NewAuthority(
            AuthorityInfo.Role.ISSUING, IN_MEMORY, ISSUING_KEY, AuthorityInfo.State.PREPARED);
    KeyPair pair = crypto.generate(ISSUING_KEY);
    Made made =
        make(
            AuthorityPlan.issuing(settings),
            wanted,
            Optional.of(device),
            row -> new Fresh(pair.getPublic(), new MemoryKey(crypto, ISSUING_KEY, pair)));
    ledger.replaceIssuing(device.authority().row(), made.authority().row());
    return new Made(made.authority().in(AuthorityInfo.State.ACTIVE), made.key());
  }

  /**
   * @throws IssuanceException {@link Reason#AUTHORITY_UNAVAILABLE} if it isn't valid now
   */
  private void requireValid(LedgerReader.StoredAuthority authority) throws IssuanceException {
    Instant now = clock.instant();
    Instant begin = authority.certificate().getNotBefore().toInstant();
    Instant end = authority.end();
    if (now.isBefore(begin) || !now.isBefore(end)) {
      throw new IssuanceException(
          Reason.AUTHORITY_UNAVAILABLE,
          authority.row().id() + " is valid from " + begin + " to " + end);
    }
  }

  private NewAuthority wanted(AuthorityInfo.Role role, AuthorityInfo.State state)
      throws KeyFault.Failed {
    return new NewAuthority(role, stores.chosen(role), keyType(role), state);
  }

  private Made make(AuthorityPlan plan, NewAuthority wanted, Optional<Made> parent)
      throws KeyFault, IssuanceException {
    PrivateKeyStore store = store(wanted);
    return make(plan, wanted, parent, row -> inStore(row, store));
  }

  private Fresh inStore(AuthorityRow row, PrivateKeyStore store) throws KeyFault {
    StoredKey stored = store.make(row.keyLabel(), row.keyType());
    return new Fresh(
        stored.publicKey(),
        new AuthorityKey(
            stores.named(row.keyStore()),
            crypto,
            row.keyLabel(),
            row.keyType(),
            stored.publicKey()));
  }

  private Made make(AuthorityPlan plan, NewAuthority wanted, Optional<Made> parent, KeyMaker maker)
      throws KeyFault, IssuanceException {
    TrustedClock.Reading time = clock.read();
    if (wanted.role() == AuthorityInfo.Role.ISSUING) {
      Times.requireIssuing(time);
    } else {
      Times.requireTrusted(time);
    }
    Instant now = time.now();
    byte[] serial = serials.next(now);
    AuthorityRow row = ledger.reserve(wanted, serial);
    boolean made = false;
    try {
      Made authority = make(plan, row, serial, parent, maker.make(row), now);
      made = true;
      return authority;
    } finally {
      if (!made && row.state() == AuthorityInfo.State.PREPARED) {
        ledger.giveUp(row);
      }
    }
  }

  private Made make(
      AuthorityPlan plan,
      AuthorityRow row,
      byte[] serial,
      Optional<Made> parent,
      Fresh fresh,
      Instant now)
      throws IssuanceException {
    Optional<LedgerReader.StoredAuthority> signer = parent.map(Made::authority);
    AuthorityBuilder builder = new AuthorityBuilder(settings.identity(), signer, now);
    byte[] tbs = builder.tbs(plan, row, serial, fresh.publicKey());
    new AuthorityLint(settings.identity())
        .check(
            tbs,
            serial,
            new AuthorityLint.Expected(row, fresh.publicKey(), signer, plan.lifetime(), now));
    SigningKey key = parent.map(Made::key).orElse(fresh.key());
    byte[] signature =
        key.sign(ledger.record(row, signer.map(LedgerReader.StoredAuthority::row), tbs));
    AlgorithmIdentifier algorithm =
        SignatureAlgorithms.of(signer.map(it -> it.row().keyType()).orElse(row.keyType()));
    byte[] der = Signed.certificate(tbs, algorithm, signature);
    X509Certificate certificate = AuthorityBuilder.parse(der);
    ledger.store(row, der);
    LedgerReader.StoredAuthority stored = new LedgerReader.StoredAuthority(row, certificate);
    return new Made(signer.map(stored::under).orElse(stored), fresh.key());
  }
}
