package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityProfile.Constraints;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.KeyType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Certificates of CAs of gateways below this one, as openssl and GnuTLS see them. */
class ChildAuthoritiesTest {
  private final Instant now = Instant.now().plusSeconds(60);

  @TempDir Path folder;
  private OpensslCa openssl;
  private CaSettings settings;
  private TestCa ca;

  @BeforeEach
  void make() throws Exception {
    openssl = new OpensslCa(folder);
    settings = TestCa.settings(folder);
    ca = TestCa.with(settings, now);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private static AuthorityProfile profile(Constraints constraints, int pathLength) {
    return new AuthorityProfile(
        Profile.CHILD_CA,
        List.of(KeyType.EC_P256, KeyType.EC_P384),
        Duration.ofDays(365),
        pathLength,
        constraints);
  }

  private ChildCa child(String device, Constraints constraints) throws Exception {
    openssl.key("child", "P-256");
    return child(device, profile(constraints, 4));
  }

  /** Of the key in child.key. */
  private ChildCa child(String device, AuthorityProfile profile) throws Exception {
    openssl.openssl("pkey", "-in", "child.key", "-pubout", "-outform", "DER", "-out", "child.pub");
    return new ChildCa(
        device, "1", profile, SubjectPublicKeyInfo.getInstance(openssl.read("child.pub")));
  }

  private IssuedCertificate certify(ChildCa child) throws Exception {
    return ((IssuingService) ca.ca()).children().certify(child);
  }

  /** A leaf that the child made with openssl, of that SPIFFE ID. */
  private boolean believes(String spiffeId, IssuedCertificate child) throws Exception {
    openssl.write("child.pem", child.certificatePem());
    openssl.key("leaf", "P-256");
    openssl.signed(
        "leaf",
        "child",
        "sha256",
        "basicConstraints=critical,CA:FALSE",
        "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=clientAuth",
        "subjectAltName=URI:" + spiffeId);
    openssl.write("root.pem", pem(ca.ca().authorities().getFirst().anchor()));
    Program.Ended ended =
        new Program(folder)
            .ended(
                "openssl",
                "verify",
                "-x509_strict",
                "-purpose",
                "sslclient",
                "-CAfile",
                "root.pem",
                "-untrusted",
                "child.pem",
                "leaf.pem");
    return ended.code() == 0;
  }

  private static String pem(X509Certificate certificate) throws Exception {
    return Pem.certificate(certificate.getEncoded());
  }

  @ParameterizedTest
  @EnumSource(Constraints.class)
  void whatAChildSignsIsBelievedWithinItsTrustDomainAsItsProfileSays(Constraints constraints)
      throws Exception {
    IssuedCertificate issued = certify(child("press", constraints));
    X509Certificate certificate = TestCa.chain(issued).getFirst();
    assertThat(certificate.getBasicConstraints()).isEqualTo(4);
    assertThat(certificate.getKeyUsage())
        .containsExactly(false, false, false, false, false, true, true, false, false);
    assertThat(certificate.getSubjectAlternativeNames())
        .containsExactly(List.of(6, "spiffe://press.gw.example"));
    assertThat(certificate.getNotAfter().toInstant()).isEqualTo(issued.notAfter());
    assertThat(certificate.getCriticalExtensionOIDs().contains("2.5.29.30"))
        .isEqualTo(constraints == Constraints.CRITICAL);
    assertThat(certificate.getNonCriticalExtensionOIDs().contains("2.5.29.30"))
        .isEqualTo(constraints == Constraints.NON_CRITICAL);
    assertThat(believes("spiffe://press.gw.example/pump", issued)).isTrue();
    assertThat(believes("spiffe://below.press.gw.example/pump", issued)).isTrue();
    boolean free = constraints == Constraints.NONE;
    assertThat(believes("spiffe://gw.example/edgeHub", issued)).isEqualTo(free);
    assertThat(believes("spiffe://xpress.gw.example/pump", issued)).isEqualTo(free);
    assertThat(
            openssl.run(
                "certtool", "--verify", "--load-ca-certificate=root.pem", "--infile=child.pem"))
        .contains("The certificate is trusted");
  }

  @Test
  void theLedgerKnowsItBeforeItIsSignedAndItCanBeRevoked() throws Exception {
    IssuedCertificate issued = certify(child("press", Constraints.CRITICAL));
    LedgerEntry entry = ca.ca().certificate(issued.serial()).orElseThrow();
    assertThat(entry.state()).isEqualTo(LedgerEntry.State.ISSUED);
    assertThat(entry.module()).isEqualTo("child/press");
    assertThat(entry.profile()).isEqualTo("child-ca");
    assertThat(entry.authority()).isEqualTo("device-1");
    assertThat(entry.names()).containsExactly("uri:spiffe://press.gw.example");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a.b", "-a", "A", "a_b", "a b", "xn--a", "*", "a\u0000"})
  void aDeviceIdThatIsNoLabelGetsNothing(String device) throws Exception {
    ChildCa child = child(device, Constraints.CRITICAL);
    Refusals.assertRefused(Reason.NAME_NOT_GRANTED, () -> certify(child));
    assertThat(LedgerPeek.count(settings.directory(), "certificate")).isZero();
  }

  @Test
  void aKeyOfAnotherKindAWeakOneAndThatOfAnAuthorityGetNothing() throws Exception {
    AuthorityProfile profile = profile(Constraints.CRITICAL, 4);
    openssl.key("child", "2048");
    ChildCa rsa = child("press", profile);
    Refusals.assertRefused(Reason.REQUEST_INVALID, () -> certify(rsa));
    openssl.key("child", "P-521");
    ChildCa other = child("press", profile);
    Refusals.assertRefused(Reason.WEAK_KEY, () -> certify(other));
    ChildCa ours =
        new ChildCa(
            "press",
            "1",
            profile,
            SubjectPublicKeyInfo.getInstance(ca.device().getPublicKey().getEncoded()));
    Refusals.assertRefused(Reason.WEAK_KEY, () -> certify(ours));
  }

  @ParameterizedTest
  @ValueSource(ints = {5, 6, -1})
  void aPathLengthThatItsSignerDoesNotAllowIsStoppedByTheLint(int pathLength) throws Exception {
    openssl.key("child", "P-256");
    ChildCa child = child("press", profile(Constraints.CRITICAL, pathLength));
    assertThatThrownBy(() -> certify(child))
        .isInstanceOfAny(IssuanceException.class, IllegalArgumentException.class);
    assertThat(LedgerPeek.count(settings.directory(), "certificate")).isZero();
  }

  @Test
  void itNeverOutlivesTheDeviceCa() throws Exception {
    Instant end = ca.device().getNotAfter().toInstant();
    ca.clock.set(end.minus(Duration.ofDays(9)));
    assertThat(certify(child("press", Constraints.NONE)).notAfter()).isEqualTo(end);
    ca.clock.set(end.plusSeconds(1));
    ChildCa late = child("press", Constraints.NONE);
    Refusals.assertRefused(Reason.AUTHORITY_UNAVAILABLE, () -> certify(late));
  }

  @Test
  void whatLimitsUsLimitsTheChildToo() throws Exception {
    ca.close();
    Files.move(folder.resolve("ca"), folder.resolve("before"));
    openssl.root("top");
    openssl.key("plant", "P-256");
    openssl.signed(
        "plant",
        "top",
        "sha256",
        OpensslCa.CA,
        OpensslCa.USAGE,
        "nameConstraints=critical,permitted;DNS:plant.local,permitted;URI:gw.example,"
            + "permitted;URI:.gw.example,excluded;URI:secret.gw.example");
    ImportedRoot root =
        ImportedRoot.read(
            openssl.together("plant.pem", "top.pem"),
            Optional.of(openssl.read("plant.key")),
            null,
            TestCa.CRYPTO);
    Path stores = Files.createDirectory(folder.resolve("limited"));
    settings = TestCa.settings(stores);
    CertificateAuthorities.create(
        settings, TestCa.stores(settings), TestCa.CRYPTO, () -> now, new RootSource.Import(root));
    ca = TestCa.reopened(settings, now);
    for (Constraints constraints : Constraints.values()) {
      IssuedCertificate issued = certify(child("press", constraints));
      X509Certificate certificate = TestCa.chain(issued).getFirst();
      assertThat(certificate.getCriticalExtensionOIDs()).contains("2.5.29.30");
      assertThat(
              new String(certificate.getExtensionValue("2.5.29.30"), StandardCharsets.ISO_8859_1))
          .contains("plant.local")
          .contains("secret.gw.example");
      assertThat(believes("spiffe://press.gw.example/pump", issued)).isTrue();
    }
    ChildCa secret = child("secret", Constraints.NONE);
    assertThatThrownBy(() -> certify(secret))
        .hasMessageContaining("forbid the trust domain secret.gw.example");
  }

  @Test
  void noOctetOfItCanBeAnother() throws Exception {
    ChildCa child = child("press", Constraints.CRITICAL);
    StoredAuthority device;
    try (Ledger ledger = peek()) {
      device =
          ledger.authorities().stream()
              .filter(it -> it.row().role() == Role.DEVICE)
              .findFirst()
              .orElseThrow();
    }
    LeafSigner signer = new LeafSigner(device, Issuer.of(device, settings.identity()), new NoKey());
    ChildCaLint lint = new ChildCaLint(settings.identity(), signer);
    byte[] serial = new Serials().next(now);
    Instant second = now.truncatedTo(java.time.temporal.ChronoUnit.SECONDS);
    byte[] tbs =
        new ChildCaBuilder(settings.identity(), signer)
            .tbs(child, serial, second, second.plus(Duration.ofDays(365)));
    lint.check(tbs, serial, child, second);
    Random random = new Random(20261124);
    // Times, which may differ, are looked at as times.
    for (int at = 0; at < tbs.length; at++) {
      byte[] changed = tbs.clone();
      changed[at] ^= (byte) (1 << random.nextInt(8));
      assertStopped(lint, changed, serial, child, second, tbs);
    }
    Refusals.assertRefused(
        Reason.LINT, () -> lint.check(Arrays.copyOf(tbs, tbs.length - 1), serial, child, second));
    ChildCa other = new ChildCa("lathe", "1", child.profile(), child.key());
    Refusals.assertRefused(Reason.LINT, () -> lint.check(tbs, serial, other, second));
    KeyPair pair = TestCa.CRYPTO.generate(KeyType.EC_P256);
    ChildCa foreign =
        new ChildCa(
            "press",
            "1",
            child.profile(),
            SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded()));
    Refusals.assertRefused(Reason.LINT, () -> lint.check(tbs, serial, foreign, second));
    for (AuthorityProfile profile :
        List.of(
            profile(Constraints.NON_CRITICAL, 4),
            profile(Constraints.NONE, 4),
            profile(Constraints.CRITICAL, 3))) {
      ChildCa another = new ChildCa("press", "1", profile, child.key());
      Refusals.assertRefused(Reason.LINT, () -> lint.check(tbs, serial, another, second));
    }
    LeafSigner delegate =
        new LeafSigner(device, Issuer.ofDelegate(device, signer.issuer()), new NoKey());
    Refusals.assertRefused(
        Reason.LINT,
        () -> new ChildCaLint(settings.identity(), delegate).check(tbs, serial, child, second));
  }

  private Ledger peek() throws Exception {
    ca.ca().close();
    return Ledger.open(settings.directory());
  }

  /** A shorter life, or a later beginning, is the only thing that may differ unseen. */
  private static void assertStopped(
      ChildCaLint lint, byte[] changed, byte[] serial, ChildCa child, Instant at, byte[] before) {
    try {
      lint.check(changed, serial, child, at);
    } catch (IssuanceException e) {
      assertThat(e.reason()).isEqualTo(Reason.LINT);
      return;
    }
    X509Certificate read = unsigned(changed);
    X509Certificate meant = unsigned(before);
    Instant end = read.getNotAfter().toInstant();
    assertThat(List.of(read.getNotBefore().toInstant(), end))
        .as("only a time may differ")
        .isNotEqualTo(List.of(meant.getNotBefore().toInstant(), meant.getNotAfter().toInstant()));
    assertThat(end).isBeforeOrEqualTo(meant.getNotAfter().toInstant());
  }

  private static X509Certificate unsigned(byte[] tbs) {
    return AuthorityBuilder.parse(
        Signed.certificate(tbs, SignatureAlgorithms.of(KeyType.EC_P256), new byte[] {0}));
  }

  /** Signs nothing: only the lint is asked. */
  private static final class NoKey implements SigningKey {
    @Override
    public void find() {
      throw new UnsupportedOperationException();
    }

    @Override
    public byte[] sign(Ledger.DurableIntent intent) {
      throw new UnsupportedOperationException();
    }

    @Override
    public String prove(javax.security.auth.x500.X500Principal subject) {
      throw new UnsupportedOperationException();
    }
  }
}
