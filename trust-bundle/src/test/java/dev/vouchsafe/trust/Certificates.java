package dev.vouchsafe.trust;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;

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

  /** That content, added by nobody that is known. */
  static BundleContent content(List<X509Certificate> roots, List<X509Certificate> extra) {
    return new BundleContent(
        roots.stream().map(BundleContent.Root::new).toList(),
        extra.stream()
            .map(certificate -> new BundleContent.Added(certificate, "", Instant.EPOCH))
            .toList());
  }

  /** Makes these the content. */
  static TrustBundle publish(
      TrustBundles bundles, List<X509Certificate> roots, List<X509Certificate> extra)
      throws IOException {
    return bundles.change(before -> content(roots, extra));
  }
}
