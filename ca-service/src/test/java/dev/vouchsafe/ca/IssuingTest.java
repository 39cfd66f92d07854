package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a module gets when everything is as it should be. */
class IssuingTest {
  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  @Test
  void anIdentityCarriesTheSpiffeIdAndEveryGrantedNameWithoutWildcard() throws Exception {
    X509Certificate leaf = ca.leaf(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY));

    assertThat(leaf.getSubjectX500Principal().getName()).isEqualTo("CN=edgeHub");
    assertThat(leaf.getSubjectAlternativeNames())
        .containsExactlyInAnyOrder(
            List.of(2, "gateway.local"),
            List.of(2, "edgehub"),
            List.of(7, "192.168.1.10"),
            List.of(7, "fd00:0:0:0:0:0:0:1"),
            List.of(6, TestCa.SPIFFE_ID));
    assertThat(leaf.getExtendedKeyUsage())
        .containsExactly("1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1");
  }

  @Test
  void theChainEndsAtTheRootForTheJdk() throws Exception {
    IssuedCertificate issued = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER));

    PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(ca.root(), null)));
    parameters.setRevocationEnabled(false);
    parameters.setDate(Date.from(TestCa.NOW));
    assertThat(
            CertPathValidator.getInstance("PKIX")
                .validate(
                    CertificateFactory.getInstance("X.509").generateCertPath(TestCa.chain(issued)),
                    parameters))
        .isNotNull();
  }

  @Test
  void theLedgerKnowsWhatWasIssued() throws Exception {
    IssuedCertificate issued = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY));

    LedgerEntry entry = ca.ca().certificate(issued.serial()).orElseThrow();
    assertThat(entry.state()).isEqualTo(LedgerEntry.State.ISSUED);
    assertThat(entry.module()).isEqualTo("edgeHub");
    assertThat(entry.authority()).isEqualTo("device-1");
    assertThat(entry.subject()).isEqualTo("CN=edgeHub");
    assertThat(entry.names()).contains("ip:fd00::1", "uri:" + TestCa.SPIFFE_ID);
    assertThat(
            ca.ca().certificates(new LedgerQuery(Optional.empty(), 10, Optional.empty())).items())
        .containsExactly(entry);
  }
}
