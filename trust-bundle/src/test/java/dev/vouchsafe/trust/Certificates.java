package dev.vouchsafe.trust;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;

/** Certificates that openssl made, whose private keys nobody has any more. */
final class Certificates {
  private Certificates() {}

  static X509Certificate named(String name) {
    try (InputStream in = Certificates.class.getResourceAsStream(name + ".pem")) {
      return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (CertificateException e) {
      throw new IllegalArgumentException(name, e);
    }
  }
}
