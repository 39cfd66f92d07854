package dev.vouchsafe.ca;

import java.util.List;
import java.util.Map;

/**
 * All that a key store sealed, sealed by another one: it replaces the old in one step with what
 * makes that other store the one that seals.
 *
 * @param secrets every sealed secret
 * @param tokenKeys the private half of every token key that signs or will sign, by its kid
 * @param auditKey the private half of the audit key
 */
record SealedAnew(
    List<KeyLedger.SealedSecret> secrets, Map<String, Blob> tokenKeys, Blob auditKey) {
  SealedAnew {
    secrets = List.copyOf(secrets);
    tokenKeys = Map.copyOf(tokenKeys);
  }
}
