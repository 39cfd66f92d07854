package dev.vouchsafe.audit;

import java.security.interfaces.ECPublicKey;
import java.util.Optional;

/**
 * The audit key, which signs checkpoints and nothing else. Whoever wires the program gives one;
 * this module holds no private key.
 */
public interface CheckpointSigner {
  /** The public half, on P-256; empty as long as there is none. */
  Optional<ECPublicKey> publicKey();

  /**
   * Signs with ECDSA and SHA-256 (ES256, RFC 7518 section 3.4).
   *
   * @param octets what is signed, not a digest of it
   * @return r and s, 32 octets each
   * @throws AuditUnavailableException if the key can't be used now
   */
  byte[] sign(byte[] octets) throws AuditUnavailableException;
}
