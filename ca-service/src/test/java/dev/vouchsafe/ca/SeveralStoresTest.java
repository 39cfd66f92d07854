package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityProof.Outcome;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyStoreHealth;
import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The root in one key store, the device CA in another, and each of them away in turn. */
class SeveralStoresTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void make() throws Exception {
    CaSettings settings = TestCa.settings(folder);
    ca = TestCa.with(settings, TestCa.stores(settings).choose(Role.ROOT, "root-pkcs11"));
  }

  @AfterEach
  void close() {
    ca.close();
  }

  @Test
  void eachAuthoritysKeyIsInItsOwnStoreOnly() throws Exception {
    assertThat(ca.ca().authorities())
        .extracting(AuthorityInfo::id, AuthorityInfo::keyStore)
        .containsExactly(tuple("root-1", "root-pkcs11"), tuple("device-1", "software"));
    KeyLabel root = KeyLabel.of("root-ca", "1");
    KeyLabel device = KeyLabel.of("device-ca", "1");
    assertThat(ca.stores.get("root-pkcs11").find(root)).isPresent();
    assertThat(ca.stores.get("root-pkcs11").find(device)).isEmpty();
    assertThat(ca.stores.get("software").find(device)).isPresent();
    assertThat(ca.stores.get("software").find(root)).isEmpty();
  }

  @Test
  void theRootsStoreIsNotOpenedForStartAndIssuing() throws Exception {
    ca.ca().close();
    ca.stores.close();
    ca.stores.refuse("root-pkcs11", new KeyFault.Failed("the token is in the safe"));
    ca.reopen();
    ca.issue(TestCa.grant(), REQUEST);
    assertThat(ca.stores.isOpen("root-pkcs11")).isFalse();
    assertThat(ca.ca().keyStores()).containsOnlyKeys("software");
  }

  @Test
  void aDeviceStoreThatCannotBeOpenedYetStopsIssuingAndNotTheStart() throws Exception {
    ca.ca().close();
    ca.stores.close();
    ca.stores.refuse("software", new KeyFault.Unavailable("no token in the slot"));
    ca.reopen();
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> ca.issue(TestCa.grant(), REQUEST));
    assertThat(ca.ca().keyStores())
        .hasEntrySatisfying(
            "software",
            health -> {
              assertThat(health.state()).isEqualTo(KeyStoreHealth.State.GONE);
              assertThat(health.reason()).contains("no token in the slot");
            });
    ca.stores.allow("software");
    ca.issue(TestCa.grant(), REQUEST);
    assertThat(ca.ca().keyStores()).containsEntry("software", KeyStoreHealth.UP);
  }

  @Test
  void aDeviceStoreThatTheConfigurationDoesNotNameStopsTheStart() throws Exception {
    ca.ca().close();
    ca.stores.close();
    ca.stores.refuse("software", new KeyFault.Failed("[keys] seal: no such file"));
    assertThatThrownBy(ca::reopen)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("[keys] seal: no such file");
    ca.stores.allow("software");
    ca.reopen();
  }

  @Test
  void healthSaysWhichStoreIsAway() {
    assertThat(ca.ca().prove()).hasSize(2);
    ca.stores.get("root-pkcs11").setAway(true);
    assertThat(ca.ca().keyStores()).containsEntry("software", KeyStoreHealth.UP);
    assertThat(ca.ca().keyStores())
        .hasEntrySatisfying(
            "root-pkcs11",
            health -> assertThat(health.state()).isEqualTo(KeyStoreHealth.State.GONE));
  }

  @Test
  void aProofHasEachKeySignARequestOfItsOwnAndNothingElse() throws Exception {
    byte[][] signed = new byte[1][];
    ca.store.behave((key, message) -> {
      signed[0] = message;
      return key.sign(message);
    });
    assertThat(ca.ca().prove())
        .extracting(AuthorityProof::authority, AuthorityProof::keyStore, AuthorityProof::outcome)
        .containsExactly(
            tuple("root-1", "root-pkcs11", Outcome.WORKS),
            tuple("device-1", "software", Outcome.WORKS));
    assertThat(signed[0])
        .isEqualTo(
            TrialRequest.octets(ca.device().getSubjectX500Principal(), ca.device().getPublicKey()));
    assertThat(
            ca.ca().certificates(new LedgerQuery(Optional.empty(), 10, Optional.empty())).items())
        .isEmpty();
  }

  @Test
  void aProofTellsAwayFromBroken() {
    ca.stores.get("software").setAway(true);
    assertProof("device-1", Outcome.UNAVAILABLE, "unplugged");
    ca.stores.get("software").setAway(false);
    assertProof("device-1", Outcome.WORKS, "keys");
    ca.store.behave((key, message) -> key.sign("other".getBytes(StandardCharsets.UTF_8)));
    assertProof("device-1", Outcome.FAILED, "does not verify");
    ca.store.behave((key, message) -> {
      throw new IllegalStateException("as providers throw");
    });
    assertProof("device-1", Outcome.FAILED, "failed to sign");
  }

  private void assertProof(String authority, Outcome outcome, String detail) {
    AuthorityProof proof =
        ca.ca().prove().stream()
            .filter(it -> it.authority().equals(authority))
            .findAny()
            .orElseThrow();
    assertThat(proof.outcome()).as(proof.detail()).isEqualTo(outcome);
    assertThat(proof.detail()).contains(detail);
  }

  private List<AuthorityProof> proveAlone() throws IOException {
    return CertificateAuthorities.prove(ca.settings, ca.stores, TestCa.CRYPTO);
  }

  @Test
  void withoutTheServiceTheSameIsProvedAndNotOneOctetChanges() throws Exception {
    ca.ca().close();
    LedgerPeek.execute(ca.settings.directory(), "PRAGMA user_version = 1");
    byte[] before = Files.readAllBytes(ca.settings.directory().resolve("ca.db"));
    assertThat(proveAlone())
        .extracting(AuthorityProof::authority, AuthorityProof::outcome)
        .containsExactly(tuple("root-1", Outcome.WORKS), tuple("device-1", Outcome.WORKS));
    assertThat(Files.readAllBytes(ca.settings.directory().resolve("ca.db"))).isEqualTo(before);
    LedgerPeek.execute(ca.settings.directory(), "PRAGMA user_version = " + LedgerVersions.NEWEST);
    ca.reopen();
    ca.issue(TestCa.grant(), REQUEST);
  }

  @Test
  void anotherKeyUnderTheLabelIsFoundOut() throws Exception {
    ca.ca().close();
    ca.stores.close();
    CaSettings other = TestCa.settings(Files.createDirectory(folder.resolve("other")));
    try (InsecureStores stores = TestCa.stores(other)) {
      stores.openOrMake("root-pkcs11").make(KeyLabel.of("root-ca", "1"), KeyType.EC_P256);
      stores.openOrMake("software");
      List<AuthorityProof> proofs =
          CertificateAuthorities.prove(ca.settings, stores, TestCa.CRYPTO);
      assertThat(proofs).extracting(AuthorityProof::outcome).containsOnly(Outcome.FAILED);
      assertThat(proofs.getFirst().detail()).contains("not the one that the certificate names");
      assertThat(proofs.getLast().detail()).contains("has no key");
    }
    ca.reopen();
  }

  @Test
  void withoutADatabaseOrWithAnotherProgramsNothingIsProved() throws Exception {
    ca.ca().close();
    Path database = ca.settings.directory().resolve("ca.db");
    byte[] good = Files.readAllBytes(database);
    byte[] bad = good.clone();
    Arrays.fill(bad, 68, 72, (byte) 1);
    Files.write(database, bad);
    assertThatThrownBy(this::proveAlone).hasMessageContaining("not a database of this program");
    Files.delete(database);
    assertThatThrownBy(this::proveAlone).hasMessageContaining("ca.db is missing");
    Files.write(database, good);
    ca.reopen();
  }
}
