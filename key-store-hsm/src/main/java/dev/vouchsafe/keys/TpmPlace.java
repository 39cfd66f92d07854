package dev.vouchsafe.keys;

import java.util.Optional;

/**
 * What a store in a TPM works with.
 *
 * @param pcrs what new keys of the device CA are bound to
 * @param newKeys where new keys are kept, wherever those before them are
 * @param mends whether a persistent object that is gone is made again of its blob
 */
record TpmPlace(
    TpmChip chip,
    TpmObjects objects,
    SecureFiles files,
    SoftwareCrypto crypto,
    SealedSecrets secrets,
    Optional<PcrSelection> pcrs,
    TpmSettings.Objects newKeys,
    boolean mends) {}
