package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What strongSwan's {@code pki} makes of a chain. */
class StrongSwanTest {
  /** A little later than what openssl makes begins. */
  private final Instant now = Instant.now().plusSeconds(60);

  @TempDir Path folder;

  @Test
  void itFollowsAnImportedChainToItsTopAndNotWithoutIt() throws Exception {
    assumeTrue(OpensslCa.hasStrongSwan(), "strongSwan's pki is not installed");
    OpensslCa openssl = new OpensslCa(folder);
    openssl.root("top");
    openssl.key("middle", "P-384");
    openssl.signed("middle", "top", "sha256", OpensslCa.CA + ",pathlen:7", OpensslCa.USAGE);
    openssl.key("plant", "P-256");
    openssl.signed("plant", "middle", "sha384", OpensslCa.CA + ",pathlen:6", OpensslCa.USAGE);
    ImportedRoot root =
        ImportedRoot.read(
            openssl.together("plant.pem", "middle.pem", "top.pem"),
            Optional.of(openssl.read("plant.key")),
            null,
            TestCa.CRYPTO);
    CaSettings settings = TestCa.settings(folder);
    CertificateAuthorities.create(
        settings, TestCa.stores(settings), TestCa.CRYPTO, () -> now, new RootSource.Import(root));
    try (TestCa ca = TestCa.reopened(settings, now)) {
      String chain =
          ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).certificatePem();
      Program.Ended trusted = openssl.strongSwan(chain, Optional.of("top"));
      assertThat(trusted.code()).as(trusted.output()).isZero();
      assertThat(trusted.output()).contains("certificate trusted, lifetimes valid");
      assertThat(openssl.strongSwan(chain, Optional.empty()).code()).isNotZero();
    }
  }
}
