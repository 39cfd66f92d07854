package dev.vouchsafe.keys;

import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;

/**
 * Key pairs, signatures and their verification in memory, by the fastest library that works here:
 * chosen once, at start. Safe for use by many threads at once.
 */
@SuppressWarnings("DoNotCallSuggester")
public interface SoftwareCrypto {
  /**
   * Amazon Corretto Crypto Provider where its native library loads, else the JDK's own providers.
   */
  static SoftwareCrypto choose() {
    throw new UnsupportedOperationException();
  }

  /** Name and version of what was chosen, and if it is not the fastest, why not. */
  String description();

  /** A new key pair. */
  KeyPair generate(KeyType type);

  /** Signs a whole message with {@link KeyType#signatureAlgorithm()}. */
  byte[] sign(PrivateKey key, KeyType type, byte[] message);

  /**
   * Whether the signature over that message verifies with {@link KeyType#signatureAlgorithm()}. A
   * malformed signature doesn't.
   */
  boolean verify(PublicKey key, KeyType type, byte[] message, byte[] signature);
}
