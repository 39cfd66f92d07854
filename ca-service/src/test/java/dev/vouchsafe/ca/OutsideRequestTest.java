package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClocks;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A device CA whose certificate a CA of others signs: request, answer, and wrong answers. */
class OutsideRequestTest {
  private final Instant now = Instant.now().plusSeconds(60);
  private final List<X509Certificate> announced = new ArrayList<>();

  @TempDir Path folder;
  private OpensslCa openssl;
  private CaSettings settings;
  private InsecureStores stores;

  @BeforeEach
  void makeTheCaOfOthers() throws Exception {
    openssl = new OpensslCa(folder).root("top");
    settings = TestCa.settings(folder);
    stores = TestCa.stores(settings);
  }

  @AfterEach
  void close() {
    stores.close();
  }

  private void create() throws Exception {
    List<AuthorityInfo> made =
        CertificateAuthorities.create(
            settings, stores, TestCa.CRYPTO, () -> now, new RootSource.Request());
    assertThat(made).isEmpty();
    openssl.write("device.csr", waiting().pem());
  }

  private AuthorityRequest waiting() throws IOException {
    List<AuthorityRequest> requests = CertificateAuthorities.requests(settings.directory());
    assertThat(requests).hasSize(1);
    return requests.getFirst();
  }

  private static TrustedClock clock(Instant now) {
    return TrustedClocks.believing(() -> now);
  }

  private List<AuthorityInfo> accept(String... files) throws Exception {
    return CertificateAuthorities.accept(
        settings, stores, TestCa.CRYPTO, clock(now), openssl.together(files), announced::add);
  }

  private void assertRefused(String message, String... files) throws IOException {
    assertThatThrownBy(() -> accept(files))
        .isInstanceOf(OutsideException.class)
        .hasMessageContaining(message);
    assertUnchanged();
  }

  private void assertUnchanged() throws IOException {
    assertThat(waiting().first()).isTrue();
    assertThat(CertificateAuthorities.list(settings)).isEmpty();
    assertThat(announced).isEmpty();
  }

  private TestCa open() throws Exception {
    stores.close();
    TestCa ca = TestCa.reopened(settings, now);
    stores = ca.stores;
    return ca;
  }

  private void assertBelieved(TestCa ca) throws Exception {
    IssuedCertificate issued = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER));
    openssl.write("chain.pem", issued.certificatePem());
    assertThat(
            openssl.openssl(
                "verify",
                "-x509_strict",
                "-purpose",
                "sslserver",
                "-verify_hostname",
                "gateway.local",
                "-CAfile",
                "top.pem",
                "-untrusted",
                "chain.pem",
                "chain.pem"))
        .contains("chain.pem: OK");
    assertThat(
            openssl.run(
                "certtool",
                "--verify",
                "--verify-hostname=gateway.local",
                "--load-ca-certificate=top.pem",
                "--infile=chain.pem"))
        .contains("The certificate is trusted");
  }

  @ParameterizedTest
  @EnumSource(
      value = KeyType.class,
      names = {"EC_P256", "EC_P384", "RSA_2048"})
  void theRequestAsksForAllThatADeviceCaIsAndProvesItsKey(KeyType type) throws Exception {
    settings =
        new CaSettings(
            settings.directory(),
            settings.identity(),
            settings.lifetimes(),
            settings.tokens(),
            type,
            type,
            KeyType.EC_P256,
            settings.issuing(),
            OptionalLong.empty());
    create();
    assertThat(openssl.openssl("req", "-in", "device.csr", "-verify", "-noout", "-text"))
        .contains("verify OK")
        .containsPattern("Subject: CN = Vouchsafe Device CA 1 [0-9a-f]{8} gw1")
        .containsPattern("X509v3 Basic Constraints: critical\\s+CA:TRUE, pathlen:5")
        .containsPattern("X509v3 Key Usage: critical\\s+Certificate Sign, CRL Sign")
        .contains("URI:spiffe://gw.example");
    openssl.answered("device", "top");
    accept("device.pem", "top.pem");
    try (TestCa ca = open()) {
      assertBelieved(ca);
    }
  }

  @Test
  void nothingIsIssuedBeforeTheCertificateIsThereAndThatIsSaid() throws Exception {
    create();
    assertThat(waiting().first()).isTrue();
    assertThatThrownBy(this::open)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("device-1 waits for its certificate")
        .hasMessageContaining("ca activate --certificate");
    assertUnchanged();
  }

  @Test
  void theAnswerMakesTheDeviceCaWithItsChainAndAnnouncesTheTopFirst() throws Exception {
    openssl.key("middle", "P-384");
    openssl.signed("middle", "top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    create();
    openssl.answered("device", "middle");
    List<AuthorityInfo> infos = accept("top.pem", "device.pem", "middle.pem");
    assertThat(infos)
        .extracting(AuthorityInfo::id, AuthorityInfo::state, AuthorityInfo::keyStore)
        .containsExactlyInAnyOrder(
            org.assertj.core.groups.Tuple.tuple("root-1", State.ACTIVE, AuthorityInfo.OUTSIDE),
            org.assertj.core.groups.Tuple.tuple("device-1", State.ACTIVE, "software"));
    assertThat(announced).hasSize(1);
    assertThat(announced.getFirst().getSubjectX500Principal().getName()).contains("CN=top");
    assertThat(CertificateAuthorities.requests(settings.directory())).isEmpty();
    try (TestCa ca = open()) {
      assertBelieved(ca);
      assertThat(ca.active(Role.ROOT).anchor()).isEqualTo(announced.getFirst());
      assertThat(TestCa.chain(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER))))
          .hasSize(3);
      assertThat(ca.ca().prove()).extracting(AuthorityProof::authority).containsExactly("device-1");
    }
    assertThatThrownBy(() -> accept("top.pem", "device.pem", "middle.pem"))
        .isInstanceOf(OutsideException.class)
        .hasMessageContaining("no authority of this home waits");
  }

  @Test
  void aCertificateOfAnotherKeyIsRefused() throws Exception {
    create();
    openssl.key("other", "P-256");
    openssl.signed("other", "top", "sha256", OpensslCa.CA + ",pathlen:5", OpensslCa.USAGE);
    assertRefused("none of the certificates is for the key of device-1", "other.pem", "top.pem");
    assertRefused("none of the certificates is for the key of device-1", "top.pem");
    // Our own name doesn't help it.
    openssl.openssl(
        "req",
        "-new",
        "-key",
        "other.key",
        "-subj",
        "/" + waiting().subject(),
        "-out",
        "other.csr",
        "-config",
        "empty.cnf");
    openssl.answeredWith("other", "top", OpensslCa.CA + ",pathlen:5", OpensslCa.USAGE);
    assertRefused("none of the certificates is for the key of device-1", "other.pem", "top.pem");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "basicConstraints=critical,CA:FALSE | keyUsage=critical,keyCertSign,cRLSign |"
            + " subjectAltName=URI:spiffe://gw.example | is no CA",
        "basicConstraints=critical,CA:TRUE | keyUsage=critical,keyCertSign,cRLSign |"
            + " subjectAltName=URI:spiffe://gw.example | no path length of 5",
        "basicConstraints=critical,CA:TRUE,pathlen:6 | keyUsage=critical,keyCertSign,cRLSign |"
            + " subjectAltName=URI:spiffe://gw.example | no path length of 5",
        "basicConstraints=critical,CA:TRUE,pathlen:0 | keyUsage=critical,keyCertSign,cRLSign |"
            + " subjectAltName=URI:spiffe://gw.example | at least 5 is needed",
        "basicConstraints=critical,CA:TRUE,pathlen:5 | keyUsage=critical,digitalSignature |"
            + " subjectAltName=URI:spiffe://gw.example | lacks keyCertSign",
        "basicConstraints=critical,CA:TRUE,pathlen:5 | keyUsage=critical,keyCertSign |"
            + " subjectAltName=URI:spiffe://gw.example | lacks cRLSign",
        "basicConstraints=critical,CA:TRUE,pathlen:5 | keyUsage=critical,keyCertSign,cRLSign |"
            + " subjectAltName=URI:spiffe://other.example | lacks the name URI:spiffe://gw.example",
        "basicConstraints=critical,CA:TRUE,pathlen:5 | keyUsage=critical,keyCertSign,cRLSign |"
            + " extendedKeyUsage=serverAuth | lacks clientAuth",
      })
  void anAnswerThatIsNotWhatWasAskedForIsRefused(
      String constraints, String usage, String more, String message) throws Exception {
    create();
    openssl.answeredWith("device", "top", constraints, usage, more);
    assertRefused(message, "device.pem", "top.pem");
  }

  @Test
  void anAnswerWithAnotherSubjectAndOneWithoutItsChainAreRefused() throws Exception {
    create();
    openssl.openssl(
        "x509",
        "-req",
        "-in",
        "device.csr",
        "-CA",
        "top.pem",
        "-CAkey",
        "top.key",
        "-days",
        "9",
        "-copy_extensions",
        "copy",
        "-subj",
        "/CN=elsewhere",
        "-out",
        "device.pem");
    assertRefused("with its subject as it is", "device.pem", "top.pem");
    openssl.answered("device", "top");
    assertRefused("put the whole chain into it", "device.pem");
    openssl.write("empty.pem", "");
    assertRefused("none of the certificates", "empty.pem");
  }

  @Test
  void anAnswerUnderAnExpiredOrWeakCaIsRefused() throws Exception {
    openssl.key("weak", "1024");
    openssl.selfSigned("weak", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    create();
    openssl.answered("device", "weak");
    assertRefused("under 2048 bits", "device.pem", "weak.pem");
    openssl.answered("device", "top");
    assertThatThrownBy(() ->
            CertificateAuthorities.accept(
                settings,
                stores,
                TestCa.CRYPTO,
                clock(now.plus(Duration.ofDays(201))),
                openssl.together("device.pem", "top.pem"),
                announced::add))
        .hasMessageContaining("has expired");
    assertUnchanged();
  }

  @Test
  void aKeyStoreThatIsAwayAndAnAnnouncementThatFailsChangeNothing() throws Exception {
    create();
    openssl.answered("device", "top");
    stores.get("software").setAway(true);
    assertThatThrownBy(() -> accept("device.pem", "top.pem"))
        .isInstanceOf(IOException.class)
        .hasCauseInstanceOf(KeyFault.Unavailable.class);
    assertUnchanged();
    stores.get("software").setAway(false);
    assertThatThrownBy(() ->
            CertificateAuthorities.accept(
                settings,
                stores,
                TestCa.CRYPTO,
                clock(now),
                openssl.together("device.pem", "top.pem"),
                anchor -> {
                  throw new IOException("disk full");
                }))
        .hasMessageContaining("disk full");
    assertUnchanged();
    assertThat(accept("device.pem", "top.pem")).hasSize(2);
  }

  @Test
  void theNextDeviceCaIsRequestedAndTakenTheSameWayAndARestartInBetweenLosesNothing()
      throws Exception {
    create();
    openssl.answered("device", "top");
    accept("device.pem", "top.pem");
    AuthorityRequest next = request();
    assertThat(next.id()).isEqualTo("device-2");
    assertThat(next.first()).isFalse();
    assertThatThrownBy(this::request).hasMessageContaining("device-2 waits");
    try (TestCa ca = open()) {
      // The service goes on with the old one meanwhile, and forgets no request.
      assertBelieved(ca);
    }
    stores = TestCa.stores(settings);
    assertThat(waiting().pem()).isEqualTo(next.pem());
    openssl.write("device.csr", next.pem());
    openssl.answered("device", "top");
    assertThat(accept("device.pem", "top.pem"))
        .extracting(info -> info.id() + " " + info.state())
        .containsExactlyInAnyOrder("root-1 ACTIVE", "device-1 RETIRING", "device-2 ACTIVE");
    try (TestCa ca = open()) {
      assertBelieved(ca);
      assertThat(ca.active(Role.DEVICE).id()).isEqualTo("device-2");
    }
  }

  private AuthorityRequest request() throws Exception {
    return CertificateAuthorities.request(
        settings, stores, TestCa.CRYPTO, clock(now), Optional.empty());
  }

  @Test
  void anAnswerUnderAnotherRootKeepsTheOldOneAmongTheAnchors() throws Exception {
    create();
    openssl.answered("device", "top");
    accept("device.pem", "top.pem");
    openssl.root("newtop");
    openssl.write("device.csr", request().pem());
    openssl.answered("device", "newtop");
    assertThat(accept("device.pem", "newtop.pem"))
        .filteredOn(info -> info.role() == Role.ROOT)
        .extracting(info -> info.id() + " " + info.state())
        .containsExactlyInAnyOrder("root-1 RETIRING", "root-2 ACTIVE");
    assertThat(announced).hasSize(2);
  }

  @Test
  void aRequestThatCouldNotBeMadeLeavesNothingThatWaits() throws Exception {
    create();
    openssl.answered("device", "top");
    accept("device.pem", "top.pem");
    stores
        .get("software")
        .beforeMaking(label -> {
          throw new KeyFault.Unavailable("unplugged by the test");
        });
    assertThatThrownBy(this::request).isInstanceOf(IOException.class);
    assertThat(CertificateAuthorities.requests(settings.directory())).isEmpty();
    try (TestCa ca = open()) {
      assertBelieved(ca);
    }
    stores = TestCa.stores(settings);
    assertThat(request().id()).isEqualTo("device-3");
  }

  @Test
  void aHomeWithARootOfItsOwnRequestsNothingOfOthers() throws Exception {
    try (TestCa ca = TestCa.with(settings, now)) {
      assertThat(ca.root()).isNotNull();
    }
    assertThatThrownBy(this::request)
        .isInstanceOf(OutsideException.class)
        .hasMessageContaining("ca prepare");
    assertThatThrownBy(() -> accept("top.pem")).hasMessageContaining("no authority");
  }

  @Test
  void anAnswerUnderATopThatNoBundleHoldsIsRefusedBeforeAnythingIsWritten() throws Exception {
    openssl.key("edwards", "ED448");
    openssl.openssl(
        "req",
        "-x509",
        "-new",
        "-key",
        "edwards.key",
        "-days",
        "400",
        "-subj",
        "/O=Plant/CN=edwards",
        "-out",
        "edwards.pem",
        "-addext",
        OpensslCa.USAGE);
    openssl.key("middle", "P-256");
    openssl.signed("middle", "edwards", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    create();
    openssl.answered("device", "middle");
    assertRefused("a trust bundle holds keys on", "device.pem", "middle.pem", "edwards.pem");
  }

  @Test
  void anAnswerThatOutlivesOneOverItIsRefused() throws Exception {
    openssl.lasting(100).root("brief").lasting(150);
    openssl.key("middle", "P-256");
    openssl.signed("middle", "brief", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    create();
    openssl.lasting(149).answered("device", "middle");
    assertRefused("after 'CN=brief,O=Plant' over it", "device.pem", "middle.pem", "brief.pem");
    openssl.lasting(160).answered("device", "middle");
    assertRefused("after 'CN=middle,O=Plant' over it", "device.pem", "middle.pem", "brief.pem");
    openssl.lasting(90).answered("device", "middle");
    assertThat(accept("device.pem", "middle.pem", "brief.pem")).hasSize(2);
  }

  private void acceptFirst() throws Exception {
    create();
    openssl.answered("device", "top");
    accept("device.pem", "top.pem");
  }

  /** A request that is answered by that CA, with those over it. */
  private List<AuthorityInfo> acceptNext(String by, String... above) throws Exception {
    openssl.write("device.csr", request().pem());
    openssl.answered("device", by);
    List<String> files = new ArrayList<>(List.of("device.pem", by + ".pem"));
    files.addAll(List.of(above));
    return accept(files.toArray(String[]::new));
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void aCaOfOthersThatIsRenewedUnderItsNameIsToldFromTheOneBefore(boolean sameKey)
      throws Exception {
    acceptFirst();
    X509Certificate before = announced.getFirst();
    if (!sameKey) {
      openssl.key("top", "P-256");
    }
    openssl.lasting(390).selfSigned("top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    openssl.lasting(0);
    assertThat(acceptNext("top"))
        .extracting(info -> info.id() + " " + info.state())
        .containsExactlyInAnyOrder(
            "root-1 RETIRING", "root-2 ACTIVE", "device-1 RETIRING", "device-2 ACTIVE");
    try (TestCa ca = open()) {
      assertBelieved(ca);
      assertThat(ca.root()).isNotEqualTo(before);
      assertThat(ca.root().getSubjectX500Principal()).isEqualTo(before.getSubjectX500Principal());
    }
    try (Ledger ledger = Ledger.open(settings.directory())) {
      AuthorityChain chain = AuthorityChain.load(ledger, settings, TestCa.CRYPTO, now);
      assertThat(chain.devicesUnder(chain.find("root-1").orElseThrow()))
          .extracting(it -> it.row().id())
          .containsExactly("device-1");
      assertThat(chain.devicesUnder(chain.find("root-2").orElseThrow()))
          .extracting(it -> it.row().id())
          .containsExactly("device-2");
    }
  }

  @Test
  void anotherChainOverTheSameIssuerReplacesTheOneBefore() throws Exception {
    openssl.key("middle", "P-256");
    openssl.signed("middle", "top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    create();
    openssl.answered("device", "middle");
    accept("device.pem", "middle.pem", "top.pem");
    openssl.lasting(390).selfSigned("top", "sha256", OpensslCa.CA, OpensslCa.USAGE);
    openssl.lasting(0);
    List<AuthorityInfo> infos = acceptNext("middle", "top.pem");
    assertThat(infos)
        .filteredOn(info -> info.role() == Role.ROOT)
        .extracting(info -> info.id() + " " + info.state())
        .containsExactlyInAnyOrder("root-1 RETIRING", "root-2 ACTIVE");
    X509Certificate renewed = announced.getLast();
    assertThat(announced).doesNotHaveDuplicates();
    try (TestCa ca = open()) {
      assertThat(ca.active(Role.ROOT).anchor()).isEqualTo(renewed);
      assertBelieved(ca);
    }
    // The very same again is the same root.
    stores = TestCa.stores(settings);
    assertThat(acceptNext("middle", "top.pem"))
        .filteredOn(info -> info.role() == Role.ROOT)
        .hasSize(2);
  }

  @Test
  void anAnswerUnderARootThatRetiresBringsThatBackAndMakesNoSecondOne() throws Exception {
    acceptFirst();
    openssl.root("newtop");
    acceptNext("newtop");
    assertThat(acceptNext("top"))
        .filteredOn(info -> info.role() == Role.ROOT)
        .extracting(info -> info.id() + " " + info.state())
        .containsExactlyInAnyOrder("root-1 ACTIVE", "root-2 RETIRING");
    try (TestCa ca = open()) {
      assertBelieved(ca);
    }
  }

  @Test
  void aRequestIsGivenUpAndAnotherMadeAlsoTheFirst() throws Exception {
    create();
    assertThat(CertificateAuthorities.giveUp(settings.directory())).isEqualTo("device-1");
    assertThat(CertificateAuthorities.requests(settings.directory())).isEmpty();
    assertThatThrownBy(this::open).hasMessageContaining("`vouchsafe ca prepare` makes one");
    assertThatThrownBy(() -> CertificateAuthorities.giveUp(settings.directory()))
        .isInstanceOf(OutsideException.class);
    stores = TestCa.stores(settings);
    AuthorityRequest again = request();
    assertThat(again.id()).isEqualTo("device-2");
    assertThat(again.first()).isTrue();
    openssl.answered("device", "top");
    assertThatThrownBy(() -> accept("device.pem", "top.pem"))
        .hasMessageContaining("none of the certificates is for the key of device-2");
    openssl.write("device.csr", again.pem());
    openssl.answered("device", "top");
    accept("device.pem", "top.pem");
    assertThat(request().id()).isEqualTo("device-3");
    assertThat(CertificateAuthorities.giveUp(settings.directory())).isEqualTo("device-3");
    try (TestCa ca = open()) {
      assertBelieved(ca);
      assertThat(ca.active(Role.DEVICE).id()).isEqualTo("device-2");
    }
  }

  @Test
  void anotherKeyStoreIsRefusedWhileNoServiceMovesWhatIsSealed() throws Exception {
    acceptFirst();
    assertThatThrownBy(() ->
            CertificateAuthorities.request(
                settings, stores, TestCa.CRYPTO, clock(now), Optional.of("tpm")))
        .isInstanceOf(OutsideException.class)
        .hasMessageContaining("only while the service runs");
    assertThat(CertificateAuthorities.requests(settings.directory())).isEmpty();
  }

  @Test
  void byAClockThatIsNotTrustedNeitherRequestNorAnswerIsTaken() throws Exception {
    acceptFirst();
    openssl.write("device.csr", request().pem());
    openssl.answered("device", "top");
    TestCa.Clock doubted = new TestCa.Clock();
    doubted.set(now);
    doubted.trust(TrustedClock.Trust.BOUNDED);
    assertThatThrownBy(() ->
            CertificateAuthorities.accept(
                settings,
                stores,
                TestCa.CRYPTO,
                doubted,
                openssl.together("device.pem", "top.pem"),
                announced::add))
        .hasCauseInstanceOf(IssuanceException.class);
    assertThat(CertificateAuthorities.giveUp(settings.directory())).isEqualTo("device-2");
    assertThatThrownBy(() ->
            CertificateAuthorities.request(
                settings, stores, TestCa.CRYPTO, doubted, Optional.empty()))
        .hasCauseInstanceOf(IssuanceException.class);
    assertThat(CertificateAuthorities.requests(settings.directory())).isEmpty();
  }

  @Test
  void anAnswerThatForbidsWhatTheGatewayIssuesIsRefused() throws Exception {
    create();
    for (String constraints :
        List.of(
            "excluded;URI:gw.example", "permitted;URI:other.example", "permitted;dirName:plant")) {
      openssl.answeredWith(
          "device",
          "top",
          OpensslCa.CA + ",pathlen:5",
          OpensslCa.USAGE,
          "subjectAltName=URI:spiffe://gw.example",
          "nameConstraints=critical," + constraints,
          "[plant]",
          "O=Elsewhere");
      assertRefused("would not be valid", "device.pem", "top.pem");
    }
  }
}
