package dev.vouchsafe.cli;

import dev.vouchsafe.audit.AuditKeys;
import dev.vouchsafe.audit.AuditUnavailableException;
import dev.vouchsafe.ca.AuditKey;
import dev.vouchsafe.ca.IssuanceException;
import java.security.interfaces.ECPublicKey;
import java.util.Optional;

/**
 * Lends the audit log its key, which the authority keeps.
 *
 * @param key signs checkpoints only
 */
record AuditSigner(AuditKey key) implements AuditKeys.Signer {
  @Override
  public Optional<ECPublicKey> publicKey() {
    return key.publicKey();
  }

  @Override
  public byte[] sign(byte[] octets) throws AuditUnavailableException {
    try {
      return key.sign(octets);
    } catch (IssuanceException e) {
      throw new AuditUnavailableException("the audit key: " + e.getMessage(), e);
    }
  }
}
