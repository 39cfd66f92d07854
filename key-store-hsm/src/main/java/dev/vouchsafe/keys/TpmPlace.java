package dev.vouchsafe.keys;

import java.util.Optional;

/**
 * What a store in a TPM works with.
 *
 * @param pcrs what new keys of the device CA are bound to
 */
record TpmPlace(
    TpmChip chip,
    TpmObjects objects,
    SecureFiles files,
    SoftwareCrypto crypto,
    SealedSecrets secrets,
    Optional<PcrSelection> pcrs) {}
