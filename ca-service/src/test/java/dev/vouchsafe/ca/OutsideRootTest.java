package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A root that was made with openssl, taken in with its key; and those that must not be. */
class OutsideRootTest {
  private static final char[] PASSPHRASE = "correct horse".toCharArray();

  /** openssl of this age makes certificates from the present on only: it is past that here. */
  private final Instant now = Instant.now().plusSeconds(60);

  @TempDir Path folder;
  private OpensslCa openssl;

  @BeforeEach
  void prepare() {
    openssl = new OpensslCa(folder);
  }

  private static ImportedRoot read(byte[] file, byte[] key) throws OutsideException {
    return ImportedRoot.read(file, Optional.of(key), null, TestCa.CRYPTO);
  }

  private CaSettings settings() {
    return TestCa.settings(folder);
  }

  private TestCa imported(ImportedRoot root, CaSettings settings) throws Exception {
    CertificateAuthorities.create(
        settings, TestCa.stores(settings), TestCa.CRYPTO, () -> now, new RootSource.Import(root));
    return TestCa.reopened(settings, now);
  }

  /** As openssl and GnuTLS see a leaf of that CA, who trust the top only. */
  private void assertBelieved(TestCa ca, String top) throws Exception {
    for (Profile profile : List.of(Profile.IDENTITY, Profile.SERVER)) {
      IssuedCertificate issued = ca.issue(TestCa.grant(), CertificateRequest.of(profile));
      String chain = issued.certificatePem();
      openssl.write("chain.pem", chain);
      assertThat(
              openssl.openssl(
                  "verify",
                  "-x509_strict",
                  "-purpose",
                  "sslserver",
                  "-verify_hostname",
                  "gateway.local",
                  "-CAfile",
                  top + ".pem",
                  "-untrusted",
                  "chain.pem",
                  "chain.pem"))
          .contains("chain.pem: OK");
      assertThat(
              openssl.run(
                  "certtool",
                  "--verify",
                  "--verify-hostname=gateway.local",
                  "--load-ca-certificate=" + top + ".pem",
                  "--infile=chain.pem"))
          .contains("The certificate is trusted");
    }
  }

  @ParameterizedTest
  @CsvSource({"P-256, sha256", "P-384, sha512", "2048, sha384"})
  void aRootInPemWithItsKeyIsBelievedInEveryChain(String kind, String digest) throws Exception {
    openssl.key("root", kind);
    openssl.selfSigned("root", digest, OpensslCa.CA, OpensslCa.USAGE);
    ImportedRoot root = read(openssl.read("root.pem"), openssl.read("root.key"));
    try (TestCa ca = imported(root, settings())) {
      assertBelieved(ca, "root");
      assertThat(ca.root()).isEqualTo(root.certificate()).isEqualTo(root.anchor());
      ca.reopen();
      assertBelieved(ca, "root");
      assertThat(ca.ca().prove())
          .extracting(AuthorityProof::outcome)
          .containsOnly(AuthorityProof.Outcome.WORKS);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"off", "on"})
  void anIntermediateIsServedInEveryChainAndItsTopIsTheAnchor(String twoSpeed) throws Exception {
    openssl.root("top");
    openssl.key("middle", "P-384");
    openssl.signed("middle", "top", "sha256", OpensslCa.CA + ",pathlen:7", OpensslCa.USAGE);
    openssl.key("plant", "P-256");
    openssl.signed("plant", "middle", "sha384", OpensslCa.CA + ",pathlen:6", OpensslCa.USAGE);
    // In any order, with a stranger among them.
    openssl.root("stranger");
    ImportedRoot root =
        read(
            openssl.together("stranger.pem", "top.pem", "plant.pem", "middle.pem"),
            openssl.read("plant.key"));
    IssuingCaSettings.Mode mode =
        twoSpeed.equals("on") ? IssuingCaSettings.Mode.ON : IssuingCaSettings.Mode.OFF;
    CaSettings settings =
        TestCa.settings(folder, new IssuingCaSettings(mode, Duration.ofHours(24), Set.of()));
    try (TestCa ca = imported(root, settings)) {
      assertBelieved(ca, "top");
      AuthorityInfo info = ca.active(AuthorityInfo.Role.ROOT);
      assertThat(info.above()).hasSize(2);
      assertThat(info.anchor().getSubjectX500Principal().getName()).contains("CN=top");
      List<X509Certificate> chain =
          TestCa.chain(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)));
      assertThat(chain).hasSize(twoSpeed.equals("on") ? 5 : 4).doesNotContain(info.anchor());
      ca.reopen();
      assertBelieved(ca, "top");
      assertThat(CertificateAuthorities.list(settings).getFirst().above()).hasSize(2);
    }
  }

  @Test
  void aDeviceCaNeverOutlivesTheRootThatWasTakenIn() throws Exception {
    openssl.root("root");
    ImportedRoot root = read(openssl.read("root.pem"), openssl.read("root.key"));
    try (TestCa ca = imported(root, settings())) {
      assertThat(ca.device().getNotAfter()).isEqualTo(root.certificate().getNotAfter());
      assertThat(
              ca.ca()
                  .changes()
                  .prepare(AuthorityInfo.Role.DEVICE, Optional.empty())
                  .certificate()
                  .getIssuerX500Principal())
          .isEqualTo(root.certificate().getSubjectX500Principal());
    }
  }

  @Test
  void aRootInPkcs12IsTakenInAndOneWithAnotherPassphraseIsNot() throws Exception {
    openssl.root("top");
    openssl.key("plant", "2048");
    openssl.signed("plant", "top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    openssl.openssl(
        "pkcs12",
        "-export",
        "-inkey",
        "plant.key",
        "-in",
        "plant.pem",
        "-certfile",
        "top.pem",
        "-passout",
        "pass:correct horse",
        "-out",
        "plant.p12");
    byte[] p12 = openssl.read("plant.p12");
    ImportedRoot root = ImportedRoot.read(p12, Optional.empty(), PASSPHRASE, TestCa.CRYPTO);
    try (TestCa ca = imported(root, settings())) {
      assertBelieved(ca, "top");
    }
    for (char[] wrong : new char[][] {"wrong".toCharArray(), new char[0]}) {
      assertThatThrownBy(() -> ImportedRoot.read(p12, Optional.empty(), wrong, TestCa.CRYPTO))
          .isInstanceOf(OutsideException.class)
          .hasMessageContaining("passphrase")
          .hasMessageNotContaining("wrong");
    }
  }

  @Test
  void anEncryptedKeyIsReadWithItsPassphraseOnly() throws Exception {
    openssl.root("root");
    openssl.openssl(
        "pkcs8",
        "-topk8",
        "-v2",
        "aes256",
        "-in",
        "root.key",
        "-passout",
        "pass:correct horse",
        "-out",
        "sealed.key");
    byte[] pem = openssl.together("root.pem", "sealed.key");
    assertThat(
            ImportedRoot.read(pem, Optional.empty(), PASSPHRASE, TestCa.CRYPTO)
                .certificate()
                .getSubjectX500Principal()
                .getName())
        .contains("CN=root");
    assertThatThrownBy(() -> ImportedRoot.read(pem, Optional.empty(), null, TestCa.CRYPTO))
        .hasMessageContaining("no passphrase was given");
    assertThatThrownBy(
            () -> ImportedRoot.read(pem, Optional.empty(), "horse".toCharArray(), TestCa.CRYPTO))
        .hasMessageContaining("is that the passphrase?")
        .hasNoCause();
  }

  private void assertRefused(ImportedRoot root, Instant at, String message) throws IOException {
    CaSettings settings = TestCa.settings(Files.createTempDirectory(folder, "refused"));
    assertThatThrownBy(() ->
            CertificateAuthorities.create(
                settings,
                TestCa.stores(settings),
                TestCa.CRYPTO,
                () -> at,
                new RootSource.Import(root)))
        .isInstanceOf(OutsideException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "P-256 | sha256 | basicConstraints=critical,CA:FALSE;keyUsage=keyCertSign | is no CA",
        "P-256 | sha256 | keyUsage=keyCertSign | is no CA",
        "P-256 | sha256 | basicConstraints=critical,CA:TRUE;keyUsage=cRLSign | lacks keyCertSign",
        "P-256 | sha256 | basicConstraints=critical,CA:TRUE | lacks keyCertSign",
        "P-256 | sha256 | basicConstraints=critical,CA:TRUE,pathlen:5;keyUsage=keyCertSign | at"
            + " least 6 is needed",
        "P-256 | sha1 | basicConstraints=critical,CA:TRUE;keyUsage=keyCertSign | SHA-256 or better",
        "1024 | sha256 | basicConstraints=critical,CA:TRUE;keyUsage=keyCertSign | of a kind that is"
            + " not taken",
        "P-521 | sha512 | basicConstraints=critical,CA:TRUE;keyUsage=keyCertSign | of a kind that is"
            + " not taken",
        "P-256 | sha256 |"
            + " basicConstraints=critical,CA:TRUE;keyUsage=keyCertSign;extendedKeyUsage=emailProtection"
            + " | lacks clientAuth or serverAuth",
        "P-256 | sha256 |"
            + " basicConstraints=critical,CA:TRUE;keyUsage=keyCertSign;1.2.3.4=critical,ASN1:NULL |"
            + " critical extension 1.2.3.4",
        "P-256 | sha256 |"
            + " basicConstraints=critical,CA:TRUE;keyUsage=keyCertSign,cRLSign;nameConstraints=critical,permitted;URI:.other.example"
            + " | would not be valid",
        "P-256 | sha256 |"
            + " basicConstraints=critical,CA:TRUE;keyUsage=keyCertSign,cRLSign;nameConstraints=excluded;URI:gw.example"
            + " | would not be valid",
      })
  void aBadRootIsRefusedAndTheReasonTold(
      String kind, String digest, String extensions, String message) throws Exception {
    openssl.key("bad", kind);
    // A name constraint has semicolons of its own.
    String[] each =
        extensions
            .replace("permitted;", "permitted\0")
            .replace("excluded;", "excluded\0")
            .split(";", -1);
    for (int i = 0; i < each.length; i++) {
      each[i] = each[i].replace('\0', ';');
    }
    openssl.selfSigned("bad", digest, each);
    ImportedRoot root;
    try {
      root = read(openssl.read("bad.pem"), openssl.read("bad.key"));
    } catch (OutsideException e) {
      assertThat(e).hasMessageContaining(message);
      return;
    }
    assertRefused(root, now, message);
  }

  @Test
  void aConstraintOnTheNamesOfSubjectsThatOursAreNotUnderIsRefused() throws Exception {
    openssl.write(
        "nc.cnf",
        """
        [req]
        distinguished_name=d
        x509_extensions=e
        [d]
        [e]
        basicConstraints=critical,CA:TRUE
        keyUsage=critical,keyCertSign,cRLSign
        nameConstraints=critical,permitted;dirName:n
        [n]
        O=Elsewhere
        """);
    openssl.key("bad", "P-256");
    openssl.openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        "bad.key",
        "-sha256",
        "-days",
        "400",
        "-subj",
        "/O=Elsewhere/CN=bad",
        "-config",
        "nc.cnf",
        "-out",
        "bad.pem");
    assertRefused(
        read(openssl.read("bad.pem"), openssl.read("bad.key")), now, "would not be valid");
  }

  @Test
  void anExpiredRootAndOneThatIsNotValidYetAreRefused() throws Exception {
    openssl.root("root");
    ImportedRoot root = read(openssl.read("root.pem"), openssl.read("root.key"));
    assertRefused(root, now.plus(Duration.ofDays(401)), "has expired");
    assertRefused(root, now.minus(Duration.ofDays(1)), "is not valid yet");
    assertRefused(
        root, root.certificate().getNotAfter().toInstant().minusSeconds(3600), "ends within a day");
  }

  @Test
  void aWeakCaAnywhereAboveIsRefusedToo() throws Exception {
    openssl.root("top");
    openssl.key("middle", "2048");
    openssl.signed("middle", "top", "sha1", OpensslCa.CA, OpensslCa.USAGE);
    openssl.key("plant", "P-256");
    openssl.signed("plant", "middle", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    assertRefused(
        read(openssl.together("plant.pem", "middle.pem", "top.pem"), openssl.read("plant.key")),
        now,
        "CN=middle,O=Plant' is signed with");
  }

  @Test
  void aPathLengthAboveThatIsTooShortIsRefused() throws Exception {
    openssl.key("top", "P-256");
    openssl.selfSigned("top", "sha256", OpensslCa.CA + ",pathlen:6", OpensslCa.USAGE);
    openssl.key("plant", "P-256");
    openssl.signed("plant", "top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    assertRefused(
        read(openssl.together("plant.pem", "top.pem"), openssl.read("plant.key")),
        now,
        "at least 7 is needed");
  }

  @Test
  void aChainThatEndsHalfWayIsRefused() throws Exception {
    openssl.root("top");
    openssl.key("plant", "P-256");
    openssl.signed("plant", "top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    assertThatThrownBy(() -> read(openssl.read("plant.pem"), openssl.read("plant.key")))
        .hasMessageContaining("put the whole chain into it");
    // One of the same name that signed nothing doesn't do.
    openssl.openssl("pkey", "-in", "top.key", "-out", "old.key");
    openssl.root("top");
    assertThatThrownBy(
            () -> read(openssl.together("plant.pem", "top.pem"), openssl.read("plant.key")))
        .hasMessageContaining("put the whole chain into it");
  }

  @Test
  void aKeyOfAnotherCaIsRefused() throws Exception {
    openssl.root("root").root("other");
    assertThatThrownBy(() -> read(openssl.read("root.pem"), openssl.read("other.key")))
        .isInstanceOf(OutsideException.class)
        .hasMessageContaining("that of none of the certificates");
    assertThatThrownBy(() -> read(openssl.read("root.pem"), openssl.read("root.pem")))
        .hasMessageContaining("no private key");
    assertThatThrownBy(
            () -> read(openssl.together("root.pem", "root.key"), openssl.read("other.key")))
        .hasMessageContaining("in both files");
    assertThatThrownBy(
            () -> read(openssl.read("root.pem"), openssl.together("root.key", "other.key")))
        .hasMessageContaining("several private keys");
  }

  @Test
  void aKeyInTheOldFormAndAFileOfAnotherKindAreRefusedWithTheNextStep() throws Exception {
    openssl.root("root");
    openssl.openssl("ec", "-in", "root.key", "-out", "old.key");
    assertThatThrownBy(() -> read(openssl.read("root.pem"), openssl.read("old.key")))
        .hasMessageContaining("openssl pkcs8 -topk8");
    for (String other : List.of("", "nonsense", "0", "0\u0082")) {
      byte[] octets = other.getBytes(StandardCharsets.ISO_8859_1);
      assertThatThrownBy(() -> ImportedRoot.read(octets, Optional.empty(), null, TestCa.CRYPTO))
          .isInstanceOf(OutsideException.class);
    }
    assertThatThrownBy(
            () -> ImportedRoot.read(new byte[200_000], Optional.empty(), null, TestCa.CRYPTO))
        .hasMessageContaining("131072 octets");
  }

  @Test
  void aStoreThatTakesNoKeysIsRefusedBeforeAnythingIsMade() throws Exception {
    openssl.root("root");
    ImportedRoot root = read(openssl.read("root.pem"), openssl.read("root.key"));
    CaSettings settings = settings();
    InsecureStores stores = TestCa.stores(settings);
    stores.openOrMake("software");
    stores.get("software").takeNothing();
    assertThatThrownBy(() ->
            CertificateAuthorities.create(
                settings, stores, TestCa.CRYPTO, () -> now, new RootSource.Import(root)))
        .isInstanceOf(OutsideException.class)
        .hasMessageContaining("--root csr");
    PrivateKeyStore store = stores.get("software");
    assertThat(store.find(KeyLabel.of("root-ca", "1"))).isEmpty();
  }

  @Test
  void nothingOfTheKeyIsShown() throws Exception {
    openssl.root("root");
    ImportedRoot root = read(openssl.read("root.pem"), openssl.read("root.key"));
    assertThat(root.toString()).isEqualTo("ImportedRoot[CN=root,O=Plant]");
    assertThat(root.type()).isEqualTo(KeyType.EC_P256);
    assertThat(OutsideFiles.read(openssl.together("root.pem", "root.key"), null).toString())
        .isEqualTo("Content[1 certificates]");
  }

  @Test
  void aDatabaseWhoseChainOfTheRootWasExchangedIsNotOpened() throws Exception {
    openssl.root("top").root("other");
    openssl.key("plant", "P-256");
    openssl.signed("plant", "top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    ImportedRoot root = read(openssl.together("plant.pem", "top.pem"), openssl.read("plant.key"));
    CaSettings settings = settings();
    try (TestCa ca = imported(root, settings)) {
      assertThat(ca.root()).isNotNull();
    }
    ImportedRoot other = read(openssl.read("other.pem"), openssl.read("other.key"));
    LedgerPeek.execute(
        settings.directory(),
        "UPDATE authority_above SET certificate = x'"
            + Octets.hex(other.certificate().getEncoded())
            + "'");
    assertThatThrownBy(() -> TestCa.reopened(settings, now))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("is not signed by its issuer");
  }

  @Test
  void aChainWhoseTopNoBundleHoldsIsRefused() throws Exception {
    openssl.key("top", "ED25519");
    openssl.openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        "top.key",
        "-days",
        "400",
        "-subj",
        "/O=Plant/CN=top",
        "-out",
        "top.pem",
        "-addext",
        OpensslCa.USAGE);
    openssl.key("plant", "P-256");
    openssl.signed("plant", "top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    assertRefused(
        read(openssl.together("plant.pem", "top.pem"), openssl.read("plant.key")),
        now,
        "a trust bundle holds keys on P-256, P-384 and P-521, and RSA");
  }

  @Test
  void aCaThatMayNotSignListsIsRefused() throws Exception {
    openssl.key("bad", "P-256");
    openssl.selfSigned("bad", "sha256", OpensslCa.CA, "keyUsage=critical,keyCertSign");
    assertRefused(
        read(openssl.read("bad.pem"), openssl.read("bad.key")), now, "keyUsage lacks cRLSign");
  }

  @ParameterizedTest
  @ValueSource(strings = {"off", "on"})
  void nothingOutlivesTheTopWhereTheCaUnderItWould(String twoSpeed) throws Exception {
    openssl.lasting(20).root("top").lasting(90);
    openssl.key("plant", "P-256");
    openssl.signed("plant", "top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    ImportedRoot root = read(openssl.together("plant.pem", "top.pem"), openssl.read("plant.key"));
    Instant end = root.anchor().getNotAfter().toInstant();
    IssuingCaSettings.Mode mode =
        twoSpeed.equals("on") ? IssuingCaSettings.Mode.ON : IssuingCaSettings.Mode.OFF;
    CaSettings settings =
        TestCa.settings(folder, new IssuingCaSettings(mode, Duration.ofDays(60), Set.of()));
    try (TestCa ca = imported(root, settings)) {
      assertThat(ca.device().getNotAfter().toInstant()).isEqualTo(end);
      IssuedCertificate long30 =
          ca.issue(TestCa.grantFor(Duration.ofDays(30)), CertificateRequest.of(Profile.SERVER));
      assertThat(long30.notAfter()).isEqualTo(end);
      assertThat(TestCa.chain(long30))
          .allSatisfy(it ->
              assertThat(it.getNotAfter().toInstant())
                  .isBeforeOrEqualTo(
                      it.getSubjectX500Principal()
                              .equals(root.certificate().getSubjectX500Principal())
                          ? root.certificate().getNotAfter().toInstant()
                          : end));
      AuthorityInfo next = ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
      assertThat(next.certificate().getNotAfter().toInstant()).isEqualTo(end);
      ca.reopen();
      assertThat(ca.ca().changes().standing().device().steps())
          .filteredOn(step -> step.step() == RotationStep.ACTIVATE)
          .allSatisfy(step -> assertThat(step.from().orElse(now)).isBefore(end));
    }
  }

  @Test
  void namesThatTheConstraintsOverUsForbidAreRefusedAtTheGateAndTheRestIsBelieved()
      throws Exception {
    openssl.root("top");
    openssl.key("plant", "P-256");
    openssl.signed(
        "plant",
        "top",
        "sha256",
        OpensslCa.CA,
        OpensslCa.USAGE,
        "nameConstraints=critical,permitted;DNS:gateway.local,permitted;URI:gw.example,"
            + "permitted;IP:192.168.1.0/255.255.255.0,excluded;DNS:secret.gateway.local");
    ImportedRoot root = read(openssl.together("plant.pem", "top.pem"), openssl.read("plant.key"));
    Grant grant =
        TestCa.grant(
            List.of("gateway.local", "*.gateway.local", "edgehub", "plant.other"),
            List.of("192.168.1.10", "10.0.0.1", "fd00::1"));
    try (TestCa ca = imported(root, settings())) {
      for (CertificateRequest wanted :
          List.of(
              dns("edgehub"), dns("plant.other"), dns("secret.gateway.local"), ip("10.0.0.1"))) {
        assertThatThrownBy(() -> ca.issue(grant, wanted))
            .isInstanceOf(IssuanceException.class)
            .hasMessageContaining("the name constraints of \"CN=plant,O=Plant\"")
            .extracting(e -> ((IssuanceException) e).reason())
            .isEqualTo(IssuanceException.Reason.NAME_NOT_GRANTED);
      }
      assertThat(ca.leaf(grant, dns("a.gateway.local")).getSubjectAlternativeNames()).hasSize(1);
      X509Certificate all = ca.leaf(grant, CertificateRequest.of(Profile.SERVER));
      assertThat(all.getSubjectAlternativeNames())
          .containsExactlyInAnyOrder(List.of(2, "gateway.local"), List.of(7, "192.168.1.10"));
      assertBelieved(ca, "top");
      Grant other = TestCa.grant(List.of("plant.other"), List.of());
      assertThatThrownBy(() -> ca.issue(other, CertificateRequest.of(Profile.SERVER)))
          .hasMessageContaining("that those over this gateway let it certify");
      Grant nameless = TestCa.grant(List.of(), List.of());
      openssl.write(
          "nameless.pem",
          ca.issue(nameless, CertificateRequest.of(Profile.IDENTITY)).certificatePem());
      assertThat(
              openssl.openssl(
                  "verify", "-CAfile", "top.pem", "-untrusted", "nameless.pem", "nameless.pem"))
          .contains("nameless.pem: OK");
      // Its common name reads as a DNS name, which is in no SAN.
      Grant dotted =
          new Grant(
              "pump.other",
              "1",
              Set.of(Profile.IDENTITY),
              List.of(),
              List.of(),
              Optional.of(TestCa.SPIFFE_ID),
              Optional.empty(),
              List.of(),
              Optional.empty());
      assertThatThrownBy(() -> ca.issue(dotted, CertificateRequest.of(Profile.IDENTITY)))
          .hasMessageContaining("forbid");
    }
  }

  private static CertificateRequest dns(String name) {
    return new CertificateRequest(
        Profile.SERVER,
        Optional.empty(),
        Optional.empty(),
        List.of(name),
        List.of(),
        Optional.empty(),
        Optional.empty());
  }

  private static CertificateRequest ip(String address) {
    return new CertificateRequest(
        Profile.SERVER,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        List.of(address),
        Optional.empty(),
        Optional.empty());
  }
}
