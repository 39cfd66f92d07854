package dev.vouchsafe.keys;

import java.security.PublicKey;
import org.jspecify.annotations.Nullable;

/** A private key that is an object in a token, found anew whenever the token was lost. */
final class Pkcs11Key implements StoredKey {
  /** Its handle, which is good in one connection only. */
  record Bound(TokenConnection connection, long handle) {}

  private final Pkcs11Store store;
  private final KeyLabel label;
  private final KeyType type;
  private final PublicKey publicKey;
  private volatile @Nullable Bound bound;

  Pkcs11Key(Pkcs11Store store, KeyLabel label, KeyType type, PublicKey publicKey) {
    this.store = store;
    this.label = label;
    this.type = type;
    this.publicKey = publicKey;
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
    return store.sign(this, message);
  }

  boolean isBoundTo(TokenConnection connection, long handle) {
    Bound now = bound;
    return now != null && now.connection() == connection && now.handle() == handle;
  }

  @Nullable Bound bound() {
    return bound;
  }

  void bind(TokenConnection connection, long handle) {
    bound = new Bound(connection, handle);
  }

  @Override
  public String toString() {
    return "PKCS#11 key " + label + " (" + type.text() + ")";
  }
}
