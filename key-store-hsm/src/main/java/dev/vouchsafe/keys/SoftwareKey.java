package dev.vouchsafe.keys;

import java.security.PrivateKey;
import java.security.PublicKey;
import javax.security.auth.DestroyFailedException;
import org.jspecify.annotations.Nullable;

/** A private key in the memory of this process, until its store is closed. */
final class SoftwareKey implements StoredKey {
  private final KeyLabel label;
  private final KeyType type;
  private final PublicKey publicKey;
  private final SoftwareCrypto crypto;
  private volatile @Nullable PrivateKey privateKey;

  SoftwareKey(
      KeyLabel label,
      KeyType type,
      PublicKey publicKey,
      PrivateKey privateKey,
      SoftwareCrypto crypto) {
    this.label = label;
    this.type = type;
    this.publicKey = publicKey;
    this.privateKey = privateKey;
    this.crypto = crypto;
  }

  @Override
  public KeyLabel label() {
    return label;
  }

  @Override
  public KeyType type() {
    return type;
  }

  @Override
  public PublicKey publicKey() {
    return publicKey;
  }

  @Override
  public byte[] sign(byte[] message) throws KeyFault {
    PrivateKey key = privateKey;
    if (key == null) {
      throw closed();
    }
    try {
      return crypto.sign(key, type, message);
    } catch (IllegalStateException | IllegalArgumentException e) {
      if (privateKey == null) {
        throw closed();
      }
      throw new KeyFault.Failed("the key " + label + " can't sign", e);
    }
  }

  private static KeyFault closed() {
    return new KeyFault.Unavailable("the key store is closed");
  }

  /** Forgets the private key. A signature that is being made may still succeed. */
  void forget() {
    PrivateKey key = privateKey;
    privateKey = null;
    if (key != null) {
      try {
        key.destroy();
      } catch (DestroyFailedException e) {
        // The JDK's own keys can't be wiped: they go with the next garbage collection.
        return;
      }
    }
  }

  @Override
  public String toString() {
    return "software key " + label + " (" + type.text() + ")";
  }
}
