package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import dev.vouchsafe.ca.clock.TrustedClocks;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.Certificate;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Root and device CA as they are made, and what opening them again insists on. */
class AuthoritiesTest {
  @TempDir Path folder;

  @Test
  void theRootIsSelfSignedAndHasNoPathLength() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      X509Certificate root = ca.root();
      root.verify(root.getPublicKey());
      assertThat(root.getBasicConstraints()).isEqualTo(Integer.MAX_VALUE);
      assertThat(root.getSubjectX500Principal()).isEqualTo(root.getIssuerX500Principal());
      assertThat(root.getSubjectX500Principal().getName()).contains("CN=Vouchsafe Root 1 gw1");
      assertThat(root.getNotBefore().toInstant())
          .isEqualTo(TestCa.NOW.minus(Duration.ofMinutes(5)).truncatedTo(ChronoUnit.SECONDS));
      assertAuthority(root);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5})
  void theDeviceCasPathLengthIsSixMinusItsLayer(int layer) throws Exception {
    CaSettings settings = TestCa.settings(folder, Lifetimes.defaults(), KeyType.EC_P256, layer);
    try (TestCa ca = TestCa.with(settings)) {
      assertThat(ca.device().getBasicConstraints()).isEqualTo(6 - layer);
      ca.device().verify(ca.root().getPublicKey());
      assertAuthority(ca.device());
    }
  }

  private static void assertAuthority(X509Certificate authority) throws Exception {
    Extensions extensions =
        Certificate.getInstance(authority.getEncoded()).getTBSCertificate().getExtensions();
    assertThat(authority.getCriticalExtensionOIDs())
        .containsExactlyInAnyOrder(Extension.basicConstraints.getId(), Extension.keyUsage.getId());
    assertThat(authority.getKeyUsage())
        .containsExactly(false, false, false, false, false, true, true, false, false);
    assertThat(authority.getExtendedKeyUsage()).isNull();
    assertThat(authority.getSubjectAlternativeNames())
        .containsExactly(List.of(6, "spiffe://gw.example"));
    assertThat(authority.getSerialNumber().toByteArray()).hasSize(16);
    assertThat(SubjectKeyIdentifier.fromExtensions(extensions).getKeyIdentifier())
        .hasSize(20)
        .isEqualTo(
            Octets.keyId(
                Certificate.getInstance(authority.getEncoded()).getSubjectPublicKeyInfo()));
    AuthorityKeyIdentifier issuer = AuthorityKeyIdentifier.fromExtensions(extensions);
    assertThat(issuer.getAuthorityCertIssuer()).isNull();
    assertThat(issuer.getAuthorityCertSerialNumber()).isNull();
    assertThat(issuer.getKeyIdentifierOctets()).hasSize(20);
  }

  @ParameterizedTest
  @EnumSource(KeyType.class)
  void everyKeyTypeMakesAChainThatTheJdkVerifies(KeyType type) throws Exception {
    CaSettings settings = TestCa.settings(folder, Lifetimes.defaults(), type, 1);
    try (TestCa ca = TestCa.with(settings)) {
      List<X509Certificate> chain =
          TestCa.chain(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)));
      assertThat(chain).hasSize(2);
      chain.getFirst().verify(chain.getLast().getPublicKey());
      chain.getLast().verify(ca.root().getPublicKey());
    }
  }

  @Test
  void noTwoAuthoritiesShareASubjectEvenOnOneGateway() throws Exception {
    Path again = folder.resolve("again");
    Files.createDirectory(again);
    try (TestCa first = TestCa.in(folder);
        TestCa second = TestCa.in(again)) {
      assertThat(
              List.of(
                  first.root().getSubjectX500Principal(),
                  first.device().getSubjectX500Principal(),
                  second.root().getSubjectX500Principal(),
                  second.device().getSubjectX500Principal()))
          .doesNotHaveDuplicates();
    }
  }

  @Test
  void aLongDeviceIdIsCutToWhatACommonNameHolds() throws Exception {
    CaSettings settings =
        new CaSettings(
            folder.resolve("ca"),
            new GatewayIdentity("d".repeat(63), "gw.example", 1),
            Lifetimes.defaults(),
            TokenLifetimes.defaults(),
            KeyType.EC_P256,
            KeyType.EC_P256,
            KeyType.EC_P256,
            IssuingCaSettings.standard(),
            OptionalLong.empty());
    try (TestCa ca = TestCa.with(settings)) {
      assertThat(ca.device().getSubjectX500Principal().getName())
          .contains("CN=Vouchsafe Device CA 1 " + "d".repeat(64 - 22) + ",");
    }
  }

  @Test
  void theListHasBothAuthoritiesRootFirst() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      assertThat(ca.ca().authorities())
          .extracting(AuthorityInfo::id, AuthorityInfo::role, AuthorityInfo::state)
          .containsExactly(
              tuple("root-1", AuthorityInfo.Role.ROOT, AuthorityInfo.State.ACTIVE),
              tuple("device-1", AuthorityInfo.Role.DEVICE, AuthorityInfo.State.ACTIVE));
      assertThat(ca.ca().authorities())
          .extracting(AuthorityInfo::keyStore)
          .containsOnly("software");
    }
  }

  @Test
  void aFolderThatHasACaIsNotMadeAgain() throws Exception {
    try (TestCa ca = TestCa.in(folder);
        PrivateKeyStore other = TestCa.newStore(folder)) {
      ca.ca().close();
      byte[] before = Files.readAllBytes(ca.settings.directory().resolve("ca.db"));
      assertThatThrownBy(() ->
              CertificateAuthorities.create(
                  ca.settings, AuthorityStores.single(other), TestCa.CRYPTO, ca.clock))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("there is a CA already");
      assertThat(Files.readAllBytes(ca.settings.directory().resolve("ca.db"))).isEqualTo(before);
      ca.reopen();
    }
  }

  @Test
  void theFilesAreTheOwnersOnlyButForThePublicKeys() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER));
      try (var files = Files.list(ca.settings.directory())) {
        for (Path file : files.toList()) {
          assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
              .as(file.toString())
              .isEqualTo(file.endsWith(JwksFile.NAME) ? "rw-r--r--" : "rw-------");
        }
      }
      assertThat(
              PosixFilePermissions.toString(Files.getPosixFilePermissions(ca.settings.directory())))
          .isEqualTo("rwx------");
    }
  }

  @Test
  void anotherKeyUnderTheLabelStopsTheOpening() throws Exception {
    try (TestCa ca = TestCa.in(folder);
        PrivateKeyStore other = TestCa.newStore(folder)) {
      ca.ca().close();
      other.make(KeyLabel.of("device-ca", "1"), KeyType.EC_P256);
      assertThatThrownBy(() -> open(ca, ca.settings, other))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("not the one that the certificate names");
      ca.reopen();
    }
  }

  @Test
  void aStoreWithoutTheKeyStopsTheOpening() throws Exception {
    try (TestCa ca = TestCa.in(folder);
        PrivateKeyStore other = TestCa.newStore(folder)) {
      ca.ca().close();
      assertThatThrownBy(() -> open(ca, ca.settings, other))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no key");
      ca.reopen();
    }
  }

  @Test
  void aStoreThatIsAwayLetsTheCaOpenAndIssueWhenItIsBack() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      ca.store.setAway(true);
      ca.reopen();
      Refusals.assertRefused(
          IssuanceException.Reason.KEY_STORE_UNAVAILABLE,
          () -> ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)));
      ca.store.setAway(false);
      assertThat(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).serial())
          .hasSize(32);
    }
  }

  @Test
  void anotherTrustDomainOrLayerStopsTheOpening() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      ca.ca().close();
      assertThatThrownBy(() -> open(ca, withIdentity(ca.settings, "other.example", 1), ca.store))
          .hasMessageContaining("trust domain");
      assertThatThrownBy(() -> open(ca, withIdentity(ca.settings, "gw.example", 2), ca.store))
          .hasMessageContaining("layer");
      ca.reopen();
    }
  }

  private static CaSettings withIdentity(CaSettings settings, String trustDomain, int layer) {
    return new CaSettings(
        settings.directory(),
        new GatewayIdentity("gw1", trustDomain, layer),
        settings.lifetimes(),
        TokenLifetimes.defaults(),
        settings.rootKey(),
        settings.deviceKey(),
        settings.leafKey(),
        IssuingCaSettings.standard(),
        OptionalLong.empty());
  }

  private static CertificateAuthority open(TestCa ca, CaSettings settings, PrivateKeyStore store)
      throws IOException {
    return CertificateAuthorities.open(
        settings, AuthorityStores.single(store), TestCa.CRYPTO, ca.clock, ca.executor);
  }

  @Test
  void aCaWhoseMakingWasCutOffIsNamedHalfMade() throws Exception {
    Files.createDirectory(folder.resolve("ca"));
    Ledger.create(folder.resolve("ca")).close();
    try (PrivateKeyStore store = TestCa.newStore(folder)) {
      assertThatThrownBy(() ->
              CertificateAuthorities.open(
                  TestCa.settings(folder),
                  AuthorityStores.single(store),
                  TestCa.CRYPTO,
                  TrustedClocks.believing(() -> TestCa.NOW),
                  Runnable::run))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("half made");
    }
  }

  @Test
  void aStoreThatSignsWronglyMakesNoAuthority() throws Exception {
    try (InsecureFaultyStore store = new InsecureFaultyStore(TestCa.newStore(folder))) {
      store.behave((key, message) -> key.sign("other".getBytes(StandardCharsets.UTF_8)));
      assertThatThrownBy(() ->
              CertificateAuthorities.create(
                  TestCa.settings(folder),
                  AuthorityStores.single(store),
                  TestCa.CRYPTO,
                  () -> TestCa.NOW))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("does not verify");
    }
  }

  @Test
  void aStoreThatCannotMakeTheKeyIsNamed() throws Exception {
    try (InsecureFaultyStore store = new InsecureFaultyStore(TestCa.newStore(folder))) {
      store.setAway(true);
      assertThatThrownBy(() ->
              CertificateAuthorities.create(
                  TestCa.settings(folder),
                  AuthorityStores.single(store),
                  TestCa.CRYPTO,
                  () -> TestCa.NOW))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("root-1")
          .hasCauseInstanceOf(KeyFault.Unavailable.class);
    }
  }

  @Test
  void theIntentOfEachAuthorityIsInTheLedgerBeforeItIsSigned() throws Exception {
    List<String> seen = new ArrayList<>();
    try (InsecureFaultyStore store = new InsecureFaultyStore(TestCa.newStore(folder))) {
      store.behave((key, message) -> {
        seen.add(LedgerPeek.authorityOf(folder.resolve("ca"), message));
        return key.sign(message);
      });
      CertificateAuthorities.create(
          TestCa.settings(folder), AuthorityStores.single(store), TestCa.CRYPTO, () -> TestCa.NOW);
    }
    assertThat(seen).containsExactly("root", "device");
  }
}
