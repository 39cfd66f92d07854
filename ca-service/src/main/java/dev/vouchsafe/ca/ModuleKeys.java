package dev.vouchsafe.ca;

/**
 * The symmetric keys of each module: for signing, and for its data. Each is derived from one of two
 * random masters of 32 octets, which the key store sealed, and from the module's name and
 * generation id; none is kept. Safe for use by many threads at once.
 *
 * <pre>{@code
 * signing key = HMAC-SHA256(signing master, label("module-signing", name, generation, which))
 * data key    = HMAC-SHA256(data master, label("module-data", name, generation))
 * }</pre>
 *
 * <p>{@code which} is {@code primary} or {@code secondary}; a label is, for each part, its length
 * in octets (4 octets, big-endian) and its UTF-8 octets ({@link
 * dev.vouchsafe.keys.KeyLabel#encoded}), so that no two modules share a key. HMAC-SHA256 is RFC
 * 2104 with RFC 6234.
 */
public interface ModuleKeys {
  /** Longest data to sign or encrypt, and longest plaintext, in octets. */
  int MOST_DATA = 64 * 1024;

  /** Longest initialization vector that a caller may give, in octets. */
  int MOST_IV = 1024;

  /**
   * Whose key it is.
   *
   * @param name the registration's name
   * @param generation the registration's generation id
   */
  record Module(String name, String generation) {}

  /** The two signing keys of a module; two, so that a verifier can be moved from one to another. */
  enum Which {
    PRIMARY,
    SECONDARY
  }

  /**
   * Whether the masters are in memory, so that {@link #sign}, {@link #encrypt} and {@link #decrypt}
   * wait for nothing; once they are, they stay there. Never waits itself.
   */
  boolean ready();

  /**
   * HMAC-SHA256 (RFC 2104) with the module's signing key.
   *
   * @return 32 octets
   * @throws IssuanceException if the data is too long, or the key store is away
   */
  byte[] sign(Module module, Which which, byte[] data) throws IssuanceException;

  /**
   * The module's signing key, for an administrator who must configure a verifier with it. The
   * disclosure is recorded durably before this returns.
   *
   * @param administrator who asked, such as {@code uid 0}
   * @return 32 octets; a secret
   */
  byte[] reveal(Module module, Which which, String administrator) throws IssuanceException;

  /**
   * Encrypts data that only this module, in this generation, can have decrypted.
   *
   * @param iv 0 to {@link #MOST_IV} octets of the caller's choice, bound to the result; a repeated
   *     one does no harm
   * @return {@code 0x03 | salt (16) | ciphertext | tag (16)}: AES-256-GCM (NIST SP 800-38D) under a
   *     key that HKDF-SHA256 (RFC 5869) makes of the data key, the random salt and the info {@code
   *     vouchsafe module data 3}; the nonce is 12 zero octets; the additional data is name,
   *     generation id and iv, each behind its length in 4 octets, big-endian
   */
  byte[] encrypt(Module module, byte[] iv, byte[] plaintext) throws IssuanceException;

  /**
   * Opens what {@link #encrypt} made.
   *
   * @throws IssuanceException {@link IssuanceException.Reason#CIPHERTEXT_INVALID} if it was
   *     changed, is another module's or generation's, or was made with another iv
   */
  byte[] decrypt(Module module, byte[] iv, byte[] ciphertext) throws IssuanceException;
}
