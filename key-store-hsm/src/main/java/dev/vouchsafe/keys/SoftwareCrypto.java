package dev.vouchsafe.keys;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.spec.PKCS8EncodedKeySpec;

/**
 * Key pairs, signatures and their verification in memory, by the fastest library that works here:
 * chosen once, at start. Safe for use by many threads at once.
 */
public interface SoftwareCrypto {
  /**
   * Amazon Corretto Crypto Provider where its native library loads, else the JDK's own providers.
   * Neither is registered with {@link java.security.Security}.
   */
  static SoftwareCrypto choose() {
    return JcaCrypto.choose();
  }

  /** Name and version of what was chosen, and if it is not the fastest, why not. */
  String description();

  /** A new key pair. */
  KeyPair generate(KeyType type);

  /**
   * A private key that was encoded, in the form that {@link #sign} is fastest with.
   *
   * @param pkcs8 its PrivateKeyInfo (RFC 5208 section 5), DER
   * @throws GeneralSecurityException if the octets are no such key
   */
  default PrivateKey readPrivate(KeyType type, byte[] pkcs8) throws GeneralSecurityException {
    return KeyFactory.getInstance(type.keyAlgorithm())
        .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
  }

  /**
   * Signs a whole message with {@link KeyType#signatureAlgorithm()}.
   *
   * @throws IllegalArgumentException if the key is not of that type
   */
  byte[] sign(PrivateKey key, KeyType type, byte[] message);

  /**
   * Whether the signature over that message verifies with {@link KeyType#signatureAlgorithm()}. A
   * malformed signature doesn't, and neither does any signature under a key of another type.
   */
  boolean verify(PublicKey key, KeyType type, byte[] message, byte[] signature);
}
