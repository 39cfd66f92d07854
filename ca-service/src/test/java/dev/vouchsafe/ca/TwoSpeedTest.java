package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.groups.Tuple.tuple;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuingCaSettings.Mode;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.Certificate;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A device CA that signs an issuing CA and lets that sign the leaves. */
class TwoSpeedTest {
  static final Duration DAY = Duration.ofHours(24);
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);
  private static final String NO_REV_AVAIL = "2.5.29.56";

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.with(TestCa.settings(folder, new IssuingCaSettings(Mode.ON, DAY, Set.of())));
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private List<X509Certificate> chain() throws Exception {
    return TestCa.chain(ca.issue(TestCa.grant(), REQUEST));
  }

  /** The chain of a leaf that an issuing CA signed. */
  private List<X509Certificate> delegated() throws Exception {
    List<X509Certificate> chain = chain();
    assertThat(chain).hasSize(3);
    chain.get(0).verify(chain.get(1).getPublicKey());
    chain.get(1).verify(chain.get(2).getPublicKey());
    chain.get(2).verify(ca.root().getPublicKey());
    assertThat(chain.get(2)).isEqualTo(ca.device());
    assertThat(chain.get(0).getNotAfter()).isBeforeOrEqualTo(chain.get(1).getNotAfter());
    return chain;
  }

  private static Grant living(Duration life) {
    return TestCa.grantFor(life);
  }

  @Test
  void theDeviceCaSignsOnceAndTheIssuingCaTheRest() throws Exception {
    delegated();
    int before = ca.store.signatures();
    X509Certificate issuing = delegated().get(1);
    for (int i = 0; i < 50; i++) {
      assertThat(delegated().get(1)).isEqualTo(issuing);
    }
    assertThat(ca.store.signatures()).isEqualTo(before);
    String serial = chain().getFirst().getSerialNumber().toString(16);
    assertThat(ca.ca().certificate(serial).orElseThrow().authority()).isEqualTo("issuing-1");
  }

  @Test
  void anIssuingCaMayNothingThatItsDeviceCaMayNot() throws Exception {
    X509Certificate issuing = delegated().get(1);
    assertThat(issuing.getBasicConstraints()).as("no authority under it").isZero();
    assertThat(issuing.getKeyUsage())
        .as("certificates, no revocation lists")
        .containsExactly(false, false, false, false, false, true, false, false, false);
    assertThat(issuing.getSubjectAlternativeNames())
        .containsExactly(List.of(6, "spiffe://gw.example"));
    assertThat(issuing.getSubjectX500Principal().getName())
        .contains("CN=Vouchsafe Issuing CA 1 gw1")
        .contains("2.5.4.5=");
    assertThat(issuing.getNotAfter().toInstant())
        .isEqualTo(TestCa.NOW.truncatedTo(ChronoUnit.SECONDS).plus(DAY));
    assertThat(issuing.getNonCriticalExtensionOIDs()).doesNotContain(NO_REV_AVAIL);
    assertThat(keyId(issuing, true)).isEqualTo(keyId(ca.device(), false));
    assertThat(keyId(delegated().getFirst(), true)).isEqualTo(keyId(issuing, false));
  }

  private static byte[] keyId(X509Certificate certificate, boolean ofIssuer) throws Exception {
    Extensions extensions =
        Certificate.getInstance(certificate.getEncoded()).getTBSCertificate().getExtensions();
    return ofIssuer
        ? AuthorityKeyIdentifier.fromExtensions(extensions).getKeyIdentifierOctets()
        : SubjectKeyIdentifier.fromExtensions(extensions).getKeyIdentifier();
  }

  @Test
  void itsLeavesSayThatNothingTellsOfRevocation() throws Exception {
    X509Certificate leaf = delegated().getFirst();
    assertThat(leaf.getNonCriticalExtensionOIDs()).contains(NO_REV_AVAIL);
    assertThat(leaf.getExtensionValue(NO_REV_AVAIL)).isEqualTo(new byte[] {4, 2, 5, 0});
  }

  @Test
  void aLeafThatItsEndWouldCutOffIsTheDeviceCas() throws Exception {
    delegated();
    assertThat(ca.leaf(living(DAY), REQUEST).getIssuerX500Principal())
        .isNotEqualTo(ca.device().getSubjectX500Principal());
    List<X509Certificate> chain = TestCa.chain(ca.issue(living(DAY.plusSeconds(1)), REQUEST));
    assertThat(chain).hasSize(2);
    assertThat(chain.getLast()).isEqualTo(ca.device());
    assertThat(chain.getFirst().getNonCriticalExtensionOIDs()).doesNotContain(NO_REV_AVAIL);
    assertThat(chain.getFirst().getNotAfter().toInstant())
        .isEqualTo(TestCa.NOW.truncatedTo(ChronoUnit.SECONDS).plus(DAY).plusSeconds(1));
  }

  @Test
  void profilesThatAreTheDeviceCasAreNeverDelegated() throws Exception {
    ca.close();
    Path other = folder.resolve("other");
    assertThat(other.toFile().mkdir()).isTrue();
    ca =
        TestCa.with(
            TestCa.settings(other, new IssuingCaSettings(Mode.ON, DAY, Set.of(Profile.SERVER))));
    assertThat(chain()).hasSize(2);
    assertThat(TestCa.chain(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.IDENTITY))))
        .hasSize(3);
  }

  @ParameterizedTest
  @CsvSource({
    "AUTO, tpm, 3",
    "AUTO, software, 2",
    "AUTO, pkcs11, 2",
    "ON, pkcs11, 3",
    "OFF, tpm, 2"
  })
  void whereNothingElseIsChosenOnlyATpmDelegates(
      Mode mode, String store, int length, @TempDir Path other) throws Exception {
    CaSettings settings = TestCa.settings(other, new IssuingCaSettings(mode, DAY, Set.of()));
    InsecureStores stores = TestCa.stores(settings).choose(Role.DEVICE, store);
    try (TestCa automatic = TestCa.with(settings, stores)) {
      assertThat(TestCa.chain(automatic.issue(TestCa.grant(), REQUEST))).hasSize(length);
    }
  }

  @Test
  void itsIntentIsInTheLedgerBeforeTheDeviceCaSigns() throws Exception {
    delegated();
    List<String> seen = new ArrayList<>();
    ca.store.behave((key, message) -> {
      seen.add(LedgerPeek.authorityOf(ca.settings.directory(), message));
      return key.sign(message);
    });
    ca.reopen();
    delegated();
    assertThat(seen).containsExactly("issuing");
  }

  @Test
  void aRestartForgetsTheKeyAndMakesAnotherIssuingCa() throws Exception {
    X509Certificate before = delegated().get(1);
    ca.reopen();
    assertThat(delegated().get(1).getPublicKey()).isNotEqualTo(before.getPublicKey());
    assertThat(ca.ca().authorities())
        .extracting(AuthorityInfo::id, AuthorityInfo::role, AuthorityInfo::state)
        .containsExactly(
            tuple("root-1", Role.ROOT, State.ACTIVE),
            tuple("device-1", Role.DEVICE, State.ACTIVE),
            tuple("issuing-1", Role.ISSUING, State.RETIRING),
            tuple("issuing-2", Role.ISSUING, State.ACTIVE));
    assertThat(ca.active(Role.ISSUING).keyStore()).isEqualTo("memory");
  }

  @Test
  void onesThatHaveEndedAreNotListedForEver() throws Exception {
    delegated();
    for (int i = 0; i < 6; i++) {
      ca.reopen();
      delegated();
      ca.clock.pass(Duration.ofHours(13));
    }
    delegated();
    assertThat(ca.ca().authorities().stream().filter(it -> it.role() == Role.ISSUING))
        .hasSizeBetween(1, 3)
        .allMatch(it -> it.certificate().getNotAfter().toInstant().isAfter(ca.clock.instant()));
    ca.ca().close();
    try (Ledger ledger = Ledger.open(ca.settings.directory())) {
      assertThat(ledger.authorities()).as("the ledger forgets none").hasSizeGreaterThanOrEqualTo(9);
    }
    ca.reopen();
  }

  /** What is started again and again makes one at each start. */
  @Test
  void ofTooManyOnlyTheLastAreRead() throws Exception {
    delegated();
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(),
        "INSERT INTO authority(role, generation, key_store, key_type, state, serial, tbs_sha256,"
            + " certificate) WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE"
            + " i < 1500) SELECT role, i, key_store, key_type, 'retiring', randomblob(16),"
            + " tbs_sha256, certificate FROM n, authority WHERE role = 'issuing'");
    try (Ledger ledger = Ledger.open(ca.settings.directory())) {
      assertThat(ledger.authorities()).hasSize(2 + LedgerReader.MOST_ISSUING);
      assertThat(ledger.authorities().getLast().row().id()).isEqualTo("issuing-1500");
    }
    ca.reopen();
    delegated();
    assertThat(ca.ca().authorities()).hasSize(2 + LedgerReader.MOST_ISSUING);
  }

  @Test
  void aThousandAtOnceWaitForOneIssuingCa() throws Exception {
    ca.reopen();
    int before = ca.store.signatures();
    List<CompletableFuture<IssuedCertificate>> answers =
        IntStream.range(0, 1000).mapToObj(i -> ca.ca().issue(TestCa.grant(), REQUEST)).toList();
    for (CompletableFuture<IssuedCertificate> answer : answers) {
      assertThat(TestCa.chain(answer.join())).hasSize(3);
    }
    assertThat(ca.store.signatures() - before).isLessThanOrEqualTo(1);
  }

  @Test
  void itIsProvedBesideTheOthers() throws Exception {
    delegated();
    assertThat(ca.ca().prove())
        .extracting(AuthorityProof::authority, AuthorityProof::outcome)
        .containsExactly(
            tuple("root-1", AuthorityProof.Outcome.WORKS),
            tuple("device-1", AuthorityProof.Outcome.WORKS),
            tuple("issuing-1", AuthorityProof.Outcome.WORKS));
    assertThat(ca.ca().keyStores()).containsOnlyKeys("software");
    ca.ca().close();
    assertThat(CertificateAuthorities.prove(ca.settings, ca.stores, TestCa.CRYPTO))
        .as("its key is nowhere")
        .hasSize(2);
    ca.reopen();
  }

  @Test
  void aMovedDeviceCaBringsAnIssuingCaOfItsOwn() throws Exception {
    delegated();
    ca.ca().changes().prepare(Role.DEVICE, Optional.of("pkcs11"));
    X509Certificate second = ca.ca().changes().activate("device-2").certificate();
    int before = ca.stores.get("pkcs11").signatures();
    assertThat(delegated().get(2)).isEqualTo(second);
    assertThat(ca.stores.get("pkcs11").signatures())
        .as("it was there before the first request")
        .isEqualTo(before);
    assertThat(ca.ca().authorities())
        .extracting(AuthorityInfo::id, AuthorityInfo::state)
        .contains(tuple("issuing-1", State.RETIRING), tuple("issuing-2", State.ACTIVE));
  }
}
