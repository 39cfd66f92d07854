package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.keys.StoredKey;
import java.security.PublicKey;
import java.util.Arrays;
import java.util.Optional;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * An authority's key in its store, and the one place where it signs: only what the ledger knows,
 * and delivered only after the signature verified.
 *
 * <p>After the store was away, the key is found again and its public key compared before it is
 * used.
 */
final class AuthorityKey implements SigningKey {
  private final NamedStore store;
  private final SoftwareCrypto crypto;
  private final KeyLabel label;
  private final KeyType type;
  private final PublicKey publicKey;
  private volatile @Nullable StoredKey found;

  AuthorityKey(
      NamedStore store, SoftwareCrypto crypto, KeyLabel label, KeyType type, PublicKey publicKey) {
    this.store = store;
    this.crypto = crypto;
    this.label = label;
    this.type = type;
    this.publicKey = publicKey;
  }

  /** The key of an authority that the ledger knows. */
  static AuthorityKey of(
      LedgerReader.StoredAuthority authority, NamedStores stores, SoftwareCrypto crypto) {
    AuthorityRow row = authority.row();
    return new AuthorityKey(
        stores.named(row.keyStore()),
        crypto,
        row.keyLabel(),
        row.keyType(),
        authority.certificate().getPublicKey());
  }

  @Override
  public Optional<SigningLane> lane() {
    return store.lane();
  }

  @Override
  public void find() throws KeyFault {
    StoredKey _ = found();
  }

  private StoredKey found() throws KeyFault {
    StoredKey known = found;
    return known == null ? look() : known;
  }

  /** Finds it anew, whatever was found before. */
  private StoredKey look() throws KeyFault {
    found = null;
    Optional<StoredKey> key = store.open().find(label);
    if (key.isEmpty()) {
      throw new KeyFault.Failed("the key store " + store.name() + " has no key " + label);
    }
    if (key.get().type() != type
        || !Arrays.equals(key.get().publicKey().getEncoded(), publicKey.getEncoded())) {
      throw new KeyFault.Failed(
          "the key "
              + label
              + " in the key store "
              + store.name()
              + " is not the one that the certificate names");
    }
    found = key.get();
    return key.get();
  }

  @Override
  public byte[] sign(Ledger.DurableIntent intent) throws IssuanceException {
    try {
      return verified(found(), intent.redeem());
    } catch (KeyFault.Unavailable e) {
      throw new IssuanceException(Reason.KEY_STORE_UNAVAILABLE, "the key store is away", e);
    } catch (KeyFault e) {
      throw new IssuanceException(Reason.SIGNATURE_FAILED, "the key store did not sign", e);
    }
  }

  @Override
  public String prove(X500Principal subject) throws KeyFault {
    byte[] _ = verified(look(), TrialRequest.octets(subject, publicKey));
    return store.open().describe().location();
  }

  private byte[] verified(StoredKey key, byte[] message) throws KeyFault {
    boolean good = false;
    try {
      byte[] signature = key.sign(message);
      good = crypto.verify(publicKey, type, message, signature);
      if (!good) {
        throw new KeyFault.Failed("the key store's signature does not verify");
      }
      return signature;
    } catch (RuntimeException e) {
      // Providers of security tokens throw unchecked what went wrong in the token.
      throw new KeyFault.Failed("the key store failed to sign", e);
    } finally {
      if (!good) {
        found = null;
      }
    }
  }
}
