package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.keys.StoredKey;
import java.security.KeyPair;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
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
  private final InstantSource clock;
  private final Serials serials = new Serials();

  AuthorityFactory(
      CaSettings settings,
      NamedStores stores,
      SoftwareCrypto crypto,
      Ledger ledger,
      InstantSource clock) {
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
        wanted(AuthorityInfo.Role.ROOT, settings.rootKey(), AuthorityInfo.State.ACTIVE),
        Optional.empty());
  }

  /** The first device CA, in the store that is chosen for it. */
  Made makeDevice(Made root) throws KeyFault, IssuanceException {
    return make(
        AuthorityPlan.device(settings),
        wanted(AuthorityInfo.Role.DEVICE, settings.deviceKey(), AuthorityInfo.State.ACTIVE),
        Optional.of(root));
  }

  /** Another device CA, which is to sign later. */
  Made prepareDevice(Made root, String keyStore) throws KeyFault, IssuanceException {
    return make(
        AuthorityPlan.device(settings),
        new NewAuthority(
            AuthorityInfo.Role.DEVICE,
            keyStore,
            settings.deviceKey(),
            AuthorityInfo.State.PREPARED),
        Optional.of(root));
  }

  /**
   * An issuing CA, whose key is in memory only.
   *
   * @param ended issuing CAs that have ended, which the ledger may stop listing
   */
  Made makeIssuing(Made device, List<LedgerReader.StoredAuthority> ended)
      throws KeyFault, IssuanceException {
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
    ledger.replaceIssuing(device.authority().row(), made.authority().row(), ended);
    return new Made(made.authority().in(AuthorityInfo.State.ACTIVE), made.key());
  }

  private NewAuthority wanted(AuthorityInfo.Role role, KeyType keyType, AuthorityInfo.State state) {
    return new NewAuthority(role, stores.chosen(role).name(), keyType, state);
  }

  private Made make(AuthorityPlan plan, NewAuthority wanted, Optional<Made> parent)
      throws KeyFault, IssuanceException {
    // Before a generation is used up for it.
    PrivateKeyStore store = stores.named(wanted.keyStore()).openOrMake();
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
    Instant now = clock.instant();
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
    byte[] signature = key.sign(ledger.record(row, tbs));
    AlgorithmIdentifier algorithm =
        SignatureAlgorithms.of(signer.map(it -> it.row().keyType()).orElse(row.keyType()));
    byte[] der = Signed.certificate(tbs, algorithm, signature);
    X509Certificate certificate = AuthorityBuilder.parse(der);
    ledger.store(row, der);
    return new Made(new LedgerReader.StoredAuthority(row, certificate), fresh.key());
  }
}
