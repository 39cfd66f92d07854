package dev.vouchsafe.ca;

import java.security.interfaces.ECPublicKey;
import java.util.Optional;

/**
 * The key that signs checkpoints of the audit log and nothing else: on P-256, made once, sealed by
 * the key store and in memory once unsealed.
 */
public interface AuditKey {
  /**
   * The public half; empty until it was made, which needs the key store. Never waits for that: if
   * there is no key yet, another attempt to make it begins, now and then.
   */
  Optional<ECPublicKey> publicKey();

  /**
   * Signs with ECDSA and SHA-256 (ES256, RFC 7518 section 3.4). Never waits for the key store: if
   * the key is still sealed, another attempt to unseal it begins, now and then.
   *
   * @param octets what is signed, not a digest of it
   * @return r and s, 32 octets each
   * @throws IssuanceException if the key is still sealed
   */
  byte[] sign(byte[] octets) throws IssuanceException;
}
