package dev.vouchsafe.keys;

import java.security.KeyPair;
import java.util.Optional;
import java.util.Set;

/**
 * A place where private keys live: make or take in, find, sign, derive, seal, and nothing else.
 * Every backend passes one contract suite. All methods may be called by many threads at once.
 */
public interface PrivateKeyStore extends AutoCloseable {
  /** What this store stands on, and what a person should know about it. Reads, never changes. */
  KeyStoreDescription describe();

  /** Whether it can be used just now, as far as is known without asking it. Never waits. */
  KeyStoreHealth health();

  /** The types of key that it makes, as far as is known without asking it. Never waits. */
  Set<KeyType> keyTypes();

  /**
   * Makes a key pair. When this returns, the key survives a power cut.
   *
   * @throws KeyFault.Failed if the label is taken, or the store can't make that type
   */
  StoredKey make(KeyLabel label, KeyType type) throws KeyFault;

  /** Whether {@link #take} is possible: where keys are only ever made inside, it is not. */
  default boolean takesKeys() {
    return false;
  }

  /**
   * Keeps a key pair that was made elsewhere. When this returns, the key survives a power cut.
   *
   * @throws KeyFault.Failed if the label is taken, the two halves are not of one key of that type,
   *     or the store takes no keys
   */
  default StoredKey take(KeyLabel label, KeyType type, KeyPair pair) throws KeyFault {
    throw new KeyFault.Failed("this key store takes no key that was made elsewhere");
  }

  /** The key of that label, or nothing if the store, being there and readable, has none. */
  Optional<StoredKey> find(KeyLabel label) throws KeyFault;

  /**
   * A secret of 32 octets that depends on this store's own master and on the label only: the same
   * after a restart, different in every store.
   */
  byte[] derive(KeyLabel label) throws KeyFault;

  /**
   * Encrypts and authenticates a small secret (at most 64 KiB) so that only this store can open it.
   *
   * @param purpose bound into the result: it opens only under the same purpose
   */
  byte[] seal(KeyLabel purpose, byte[] secret) throws KeyFault;

  /**
   * Opens what {@link #seal} made.
   *
   * @throws KeyFault.Failed if it was changed, is of another store, or was sealed for another
   *     purpose
   */
  byte[] unseal(KeyLabel purpose, byte[] sealed) throws KeyFault;

  /** Forgets what it holds in memory. Calls after this throw {@link KeyFault.Unavailable}. */
  @Override
  void close();
}
