package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.Optional;

/**
 * A certificate that was recorded, signed and verified.
 *
 * @param serial lower-case hex, two digits an octet
 * @param certificatePem the chain in PEM, leaf first, root left out
 * @param privateKeyPem the private key as PKCS#8 in PEM (RFC 5958), absent if a CSR came
 * @param notBefore start of the validity, whole seconds
 * @param notAfter last second of the validity
 * @param renewAfter when the holder should ask for the next one: about half of the life, with
 *     jitter
 */
public record IssuedCertificate(
    String serial,
    String certificatePem,
    Optional<String> privateKeyPem,
    Instant notBefore,
    Instant notAfter,
    Instant renewAfter) {
  /** Leaves the private key out: this text may reach a log. */
  @Override
  public String toString() {
    return "IssuedCertificate[serial=" + serial + ", notAfter=" + notAfter + "]";
  }
}
