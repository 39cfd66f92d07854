package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.ModuleKeys.Module;
import dev.vouchsafe.ca.ModuleKeys.Which;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyStoreHealth;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.PrivateKeyStores;
import dev.vouchsafe.keys.Swtpm;
import dev.vouchsafe.keys.TpmSettings;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A gateway that moves its device CA into a TPM, and then loses the TPM for a while. */
class TpmDeviceCaTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);
  private static final Module MODULE = new Module("edgeHub", "1");

  @TempDir Path folder;

  /** A new store in that TPM, with its blobs in that folder. */
  static PrivateKeyStore make(Path folder, Swtpm tpm) throws KeyFault {
    TpmSettings settings =
        new TpmSettings(
            Optional.of(tpm.tcti()),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            TpmSettings.Objects.BLOBS);
    return PrivateKeyStores.createTpm(folder.resolve("keys-tpm"), settings, TestCa.CRYPTO);
  }

  private static List<X509Certificate> chain(TestCa ca) throws Exception {
    List<X509Certificate> chain = TestCa.chain(ca.issue(TestCa.grant(), REQUEST));
    for (int i = 0; i + 1 < chain.size(); i++) {
      chain.get(i).verify(chain.get(i + 1).getPublicKey());
    }
    chain.getLast().verify(ca.root().getPublicKey());
    return chain;
  }

  @Test
  void itIssuesThroughATpmThatIsAwayAndAgainWhenItIsBack() throws Exception {
    try (Swtpm tpm = Swtpm.in(folder.resolve("tpm"));
        TestCa ca = TestCa.in(folder)) {
      byte[] signature = ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1]);
      assertThat(chain(ca)).as("software signs for itself").hasSize(2);
      ca.stores.put("tpm", make(folder, tpm));
      ca.ca().changes().prepare(Role.DEVICE, Optional.of("tpm"));
      X509Certificate device = ca.ca().changes().activate("device-2").certificate();
      assertThat(chain(ca)).hasSize(3).contains(device);
      assertThat(ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1]))
          .isEqualTo(signature);

      tpm.kill();
      assertThat(chain(ca)).as("the issuing CA goes on").hasSize(3);
      Grant longer = TestCa.grantFor(Duration.ofDays(2));
      Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> ca.issue(longer, REQUEST));
      assertThat(ca.ca().keyStores())
          .hasEntrySatisfying(
              "tpm", health -> assertThat(health.state()).isNotEqualTo(KeyStoreHealth.State.UP));

      tpm.restart();
      assertThat(TestCa.chain(issueSoon(ca, longer))).hasSize(2).contains(device);
      ca.reopen();
      assertThat(chain(ca)).hasSize(3).contains(device);
      assertThat(ca.ca().moduleKeys().sign(MODULE, Which.PRIMARY, new byte[1]))
          .isEqualTo(signature);
    }
  }

  private static IssuedCertificate issueSoon(TestCa ca, Grant grant) throws IssuanceException {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (true) {
      try {
        return ca.issue(grant, REQUEST);
      } catch (IssuanceException e) {
        if (e.reason() != Reason.KEY_STORE_UNAVAILABLE || System.nanoTime() > end) {
          throw e;
        }
        Thread.onSpinWait();
      }
    }
  }
}
