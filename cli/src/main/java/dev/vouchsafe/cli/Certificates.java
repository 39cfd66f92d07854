package dev.vouchsafe.cli;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.Certificate;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import javax.security.auth.x500.X500Principal;

/** What people read of a certificate, as text. */
final class Certificates {
  /** The name that RFC 4519 section 2.31 gives to this attribute; the JDK prints its number. */
  private static final Map<String, String> WORDS = Map.of("2.5.4.5", "serialNumber");

  private Certificates() {}

  /** The subject as RFC 4514 text. */
  static String subject(X509Certificate certificate) {
    return certificate.getSubjectX500Principal().getName(X500Principal.RFC2253, WORDS);
  }

  /** RFC 3339, UTC, whole seconds. */
  static String notAfter(X509Certificate certificate) {
    return certificate.getNotAfter().toInstant().truncatedTo(ChronoUnit.SECONDS).toString();
  }

  /** PEM (RFC 7468 section 5). */
  static String pem(Certificate certificate) throws CertificateEncodingException {
    Base64.Encoder lines = Base64.getMimeEncoder(64, new byte[] {'\n'});
    return "-----BEGIN CERTIFICATE-----\n"
        + lines.encodeToString(certificate.getEncoded())
        + "\n-----END CERTIFICATE-----\n";
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
