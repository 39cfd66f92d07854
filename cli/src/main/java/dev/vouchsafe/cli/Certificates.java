package dev.vouchsafe.cli;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;

/** What people read of a certificate, as text. */
final class Certificates {
  private Certificates() {}

  /** The subject as RFC 4514 text. */
  static String subject(X509Certificate certificate) {
    return certificate.getSubjectX500Principal().getName();
  }

  /** RFC 3339, UTC, whole seconds. */
  static String notAfter(X509Certificate certificate) {
    return certificate.getNotAfter().toInstant().truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /** SHA-256 of the DER, lower-case hex: the fingerprint that a leaf device is told. */
  static String sha256(X509Certificate certificate) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a certificate that was decoded has an encoding", e);
    }
  }
}
