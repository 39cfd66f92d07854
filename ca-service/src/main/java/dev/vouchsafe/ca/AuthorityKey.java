package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.keys.StoredKey;
import java.security.PublicKey;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An authority's key in its store, and the one place where it signs: only what the ledger knows,
 * and delivered only after the signature verified.
 *
 * <p>After the store was away, the key is found again and its public key compared before it is
 * used.
 */
final class AuthorityKey {
  private final PrivateKeyStore store;
  private final SoftwareCrypto crypto;
  private final KeyLabel label;
  private final KeyType type;
  private final PublicKey publicKey;
  private volatile @Nullable StoredKey found;

  AuthorityKey(
      PrivateKeyStore store,
      SoftwareCrypto crypto,
      KeyLabel label,
      KeyType type,
      PublicKey publicKey) {
    this.store = store;
    this.crypto = crypto;
    this.label = label;
    this.type = type;
    this.publicKey = publicKey;
  }

  /**
   * Finds the key.
   *
   * @throws KeyFault.Unavailable if the store is away
   * @throws KeyFault.Failed if the store has no such key, or another one under its label
   */
  StoredKey find() throws KeyFault {
    StoredKey known = found;
    if (known != null) {
      return known;
    }
    Optional<StoredKey> key = store.find(label);
    if (key.isEmpty()) {
      throw new KeyFault.Failed("the key store has no key " + label);
    }
    if (key.get().type() != type
        || !Arrays.equals(key.get().publicKey().getEncoded(), publicKey.getEncoded())) {
      throw new KeyFault.Failed(
          "the key " + label + " in the key store is not the one that the certificate names");
    }
    found = key.get();
    return key.get();
  }

  /**
   * Signs what the intent is about.
   *
   * @throws IssuanceException {@link Reason#KEY_STORE_UNAVAILABLE} if the store is away, {@link
   *     Reason#SIGNATURE_FAILED} if it failed or signed wrongly
   */
  byte[] sign(Ledger.DurableIntent intent) throws IssuanceException {
    byte[] tbs = intent.redeem();
    byte[] signature;
    try {
      signature = find().sign(tbs);
    } catch (KeyFault.Unavailable e) {
      found = null;
      throw new IssuanceException(Reason.KEY_STORE_UNAVAILABLE, "the key store is away", e);
    } catch (KeyFault | RuntimeException e) {
      // Providers of security tokens throw unchecked what went wrong in the token.
      found = null;
      throw new IssuanceException(Reason.SIGNATURE_FAILED, "the key store did not sign", e);
    }
    if (!crypto.verify(publicKey, type, tbs, signature)) {
      found = null;
      throw new IssuanceException(
          Reason.SIGNATURE_FAILED, "the key store's signature does not verify");
    }
    return signature;
  }
}
