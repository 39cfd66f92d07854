package dev.vouchsafe.keys;

import java.util.Optional;

/**
 * How a TPM 2.0 is reached and used.
 *
 * @param tcti the way to it, as tpm2-tools take it (TCG TSS 2.0 TCTI), such as {@code
 *     device:/dev/tpmrm0} or {@code swtpm:path=/run/swtpm.sock}; empty for the first of {@code
 *     /dev/tpmrm0} and {@code /dev/tpm0} that is there
 * @param ownerAuth where the owner hierarchy's auth value comes from; empty if it has none
 * @param keyAuth where the auth value of our keys comes from; empty if they have none
 * @param pcrs the PCRs that the device CA's key is bound to; empty if it is bound to none
 * @param objects where our keys are kept
 */
public record TpmSettings(
    Optional<String> tcti,
    Optional<SealSource> ownerAuth,
    Optional<SealSource> keyAuth,
    Optional<PcrSelection> pcrs,
    Objects objects) {
  /** Where keys of a TPM are kept. */
  public enum Objects {
    /** As blobs in the data folder that only this TPM can load. */
    BLOBS,
    /** In the TPM, at persistent handles. */
    PERSISTENT
  }
}
