package dev.vouchsafe.trust;

import java.io.ByteArrayInputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * The certificates of one version: what may stand in a trust bundle, each once.
 *
 * @param roots our own
 * @param extra the operator's, without those that are roots as well
 */
record Anchors(List<X509Certificate> roots, List<X509Certificate> extra) {
  Anchors {
    roots = List.copyOf(roots);
    extra = List.copyOf(extra);
  }

  /**
   * Checks them, and drops what comes twice.
   *
   * @throws IllegalArgumentException if one is no CA; the message names its subject
   */
  static Anchors of(List<X509Certificate> roots, List<X509Certificate> extra) {
    Set<X509Certificate> ours = checked(roots);
    if (ours.isEmpty()) {
      throw new IllegalArgumentException("a trust bundle has at least one root");
    }
    ours.forEach(JsonWebKeys::requireSupported);
    Set<X509Certificate> others = checked(extra);
    others.removeAll(ours);
    return new Anchors(List.copyOf(ours), List.copyOf(others));
  }

  private static Set<X509Certificate> checked(Collection<X509Certificate> certificates) {
    Set<X509Certificate> checked = new LinkedHashSet<>();
    for (X509Certificate certificate : certificates) {
      if (certificate.getBasicConstraints() < 0) {
        throw new IllegalArgumentException(
            certificate.getSubjectX500Principal() + " is no CA: it lacks CA:TRUE");
      }
      checked.add(own(certificate));
    }
    return checked;
  }

  /** The caller's object may be of any class: what is kept, compared and served is the JDK's. */
  private static X509Certificate own(X509Certificate certificate) {
    try {
      return parse(certificate.getEncoded());
    } catch (CertificateException e) {
      throw new IllegalArgumentException(
          certificate.getSubjectX500Principal() + " is not a good certificate", e);
    }
  }

  /** One certificate in DER, and nothing after it. */
  static X509Certificate parse(byte[] der) throws CertificateException {
    if (CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der))
            instanceof X509Certificate certificate
        && Arrays.equals(certificate.getEncoded(), der)) {
      return certificate;
    }
    throw new CertificateException("not one certificate in DER");
  }
}
