package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Set;

/** Looks at a chain as it was handed over, as strictly as the strictest of those who verify. */
final class WholeChain {
  private final List<X509Certificate> chain;
  private final Instant at;

  private WholeChain(List<X509Certificate> chain, Instant at) {
    this.chain = chain;
    this.at = at;
  }

  /**
   * Asserts that it is in order, each certificate signed by the next one and the last by one of
   * those anchors, that all are valid then, and that none is there twice: so nothing is surplus,
   * since whoever trusts the last anchor needs them all.
   *
   * @param anchors those that somebody may trust and that have not ended
   */
  static WholeChain of(IssuedCertificate issued, List<X509Certificate> anchors, Instant at)
      throws Exception {
    List<X509Certificate> chain = TestCa.chain(issued);
    assertThat(chain).doesNotHaveDuplicates().hasSizeLessThanOrEqualTo(7);
    assertThat(chain).doesNotContainAnyElementsOf(anchors);
    for (int i = 0; i < chain.size(); i++) {
      X509Certificate certificate = chain.get(i);
      assertThat(at)
          .as("%s at %s", certificate.getSubjectX500Principal(), at)
          .isBetween(certificate.getNotBefore().toInstant(), certificate.getNotAfter().toInstant());
      List<X509Certificate> next =
          i + 1 < chain.size() ? List.of(chain.get(i + 1)) : List.copyOf(anchors);
      assertThat(next)
          .as("who signed number %s, %s", i, certificate.getSubjectX500Principal())
          .anySatisfy(it -> {
            assertThat(it.getSubjectX500Principal())
                .isEqualTo(certificate.getIssuerX500Principal());
            assertThat(signed(certificate, it.getPublicKey())).isTrue();
          });
    }
    return new WholeChain(chain, at);
  }

  private static boolean signed(X509Certificate certificate, PublicKey key) {
    try {
      certificate.verify(key);
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  int size() {
    return chain.size();
  }

  List<X509Certificate> certificates() {
    return chain;
  }

  /**
   * Whether a verifier that trusts just that one believes it: up to the certificate that it signed,
   * and not one more or less.
   */
  boolean isBelievedBy(X509Certificate trusted) throws Exception {
    for (int i = 0; i < chain.size(); i++) {
      if (signed(chain.get(i), trusted.getPublicKey())) {
        PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(trusted, null)));
        parameters.setRevocationEnabled(false);
        parameters.setDate(Date.from(at));
        var _ =
            CertPathValidator.getInstance("PKIX")
                .validate(
                    CertificateFactory.getInstance("X.509")
                        .generateCertPath(chain.subList(0, i + 1)),
                    parameters);
        return true;
      }
    }
    return false;
  }
}
