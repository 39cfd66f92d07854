package dev.vouchsafe.keys;

import java.security.PublicKey;

/**
 * A private key that stays where it is. It has no export: what can be asked of it is a signature.
 */
public interface StoredKey {
  KeyLabel label();

  KeyType type();

  PublicKey publicKey();

  /**
   * Signs with {@link KeyType#signatureAlgorithm()}. Safe for use by many threads at once.
   *
   * @param message the whole message; it is hashed here
   * @return ECDSA: the DER {@code ECDSA-Sig-Value} (RFC 3279 section 2.2.3); RSA: PKCS#1 v1.5 (RFC
   *     8017 section 8.2)
   * @throws KeyFault if the store is away, or can't sign any more
   */
  byte[] sign(byte[] message) throws KeyFault;
}
