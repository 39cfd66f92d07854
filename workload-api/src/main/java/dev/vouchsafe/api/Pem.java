package dev.vouchsafe.api;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Certificates and keys as text (RFC 7468), by what the JDK has. */
final class Pem {
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\\s]+)-----END \\1-----");

  private Pem() {}

  static String of(X509Certificate certificate) {
    String base64 =
        Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(encoded(certificate));
    return "-----BEGIN CERTIFICATE-----\n" + base64 + "\n-----END CERTIFICATE-----\n";
  }

  /** SHA-256 of the DER, lower-case hex. */
  static String sha256(X509Certificate certificate) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(sha256.digest(encoded(certificate)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** Lower-case hex, two digits an octet. */
  static String serial(X509Certificate certificate) {
    byte[] octets = certificate.getSerialNumber().toByteArray();
    int start = octets.length > 1 && octets[0] == 0 ? 1 : 0;
    return HexFormat.of().formatHex(octets, start, octets.length);
  }

  static X509Certificate[] chain(String pem) throws GeneralSecurityException {
    byte[] octets = pem.getBytes(StandardCharsets.US_ASCII);
    return CertificateFactory.getInstance("X.509")
        .generateCertificates(new ByteArrayInputStream(octets))
        .toArray(X509Certificate[]::new);
  }

  /** What its blocks hold, one after the other. */
  static byte[] der(String pem) {
    ByteArrayOutputStream all = new ByteArrayOutputStream(pem.length());
    Matcher blocks = BLOCK.matcher(pem);
    while (blocks.find()) {
      all.writeBytes(Base64.getMimeDecoder().decode(blocks.group(2)));
    }
    return all.toByteArray();
  }

  /**
   * @param pem an unencrypted PKCS#8 key
   * @param algorithm the algorithm of the certificate's public key
   */
  static PrivateKey privateKey(String pem, String algorithm) throws GeneralSecurityException {
    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der(pem)));
  }

  private static byte[] encoded(X509Certificate certificate) {
    try {
      return certificate.getEncoded();
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a certificate that was read can be written", e);
    }
  }
}
