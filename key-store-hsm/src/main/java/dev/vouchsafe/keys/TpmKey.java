package dev.vouchsafe.keys;

import java.security.PublicKey;
import org.jspecify.annotations.Nullable;

/** A private key that only its TPM can use. */
final class TpmKey implements StoredKey {
  /** What names it to the TPM, which is good as long as the connection that it was loaded in. */
  record Bound(TpmConnection connection, TpmRef ref) {}

  private final TpmStore store;
  private final KeyLabel label;
  private final KeyType type;
  private final PublicKey publicKey;
  private final TpmKeyFile file;
  private volatile @Nullable Bound bound;

  TpmKey(TpmStore store, KeyLabel label, KeyType type, PublicKey publicKey, TpmKeyFile file) {
    this.store = store;
    this.label = label;
    this.type = type;
    this.publicKey = publicKey;
    this.file = file;
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

  TpmKeyFile file() {
    return file;
  }

  @Nullable TpmRef in(TpmConnection connection) {
    Bound now = bound;
    return now != null && now.connection() == connection ? now.ref() : null;
  }

  void bind(TpmConnection connection, TpmRef ref) {
    bound = new Bound(connection, ref);
  }

  @Override
  public String toString() {
    return "TPM key " + label + " (" + type.text() + ")";
  }
}
