package dev.vouchsafe.ca;

import static dev.vouchsafe.ca.OcspQuestions.basic;
import static dev.vouchsafe.ca.OcspQuestions.code;
import static dev.vouchsafe.ca.OcspQuestions.status;
import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.clock.TrustedClock.Trust;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.ocsp.CertID;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.ocsp.OCSPRequest;
import org.bouncycastle.asn1.ocsp.Request;
import org.bouncycastle.asn1.ocsp.TBSRequest;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is answered to OCSP requests, and what openssl and GnuTLS make of the answers. */
class OcspTest {
  private static final int MALFORMED = 1;
  private static final int TRY_LATER = 3;
  private static final int UNAUTHORIZED = 6;
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.IDENTITY);
  private static final byte[] NEVER_ISSUED = {
    0x40, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  };

  private static final LedgerQuery OCSP_SIGNERS =
      new LedgerQuery(Optional.of("vouchsafe/ocsp"), 10, Optional.empty());

  @TempDir Path folder;
  private TestCa ca;
  private Program run;

  @BeforeEach
  void open() throws Exception {
    // Of now, since openssl holds an answer against its own clock.
    ca = TestCa.with(TestCa.settings(folder), InstantSource.system().instant());
    run = new Program(folder);
    write("root.pem", Pem.certificate(ca.root().getEncoded()));
    write("device.pem", Pem.certificate(ca.device().getEncoded()));
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private void write(String file, String content) throws Exception {
    Files.writeString(folder.resolve(file), content);
  }

  private Revocations revocations() {
    return ca.ca().revocations();
  }

  private OcspAnswer ask(byte[] request) {
    return ask(request, "one");
  }

  private OcspAnswer ask(byte[] request, Object asker) {
    return revocations().ocsp(request, asker);
  }

  private IssuedCertificate issued(String file) throws Exception {
    IssuedCertificate issued = ca.issue(TestCa.grant(), REQUEST);
    String chain = issued.certificatePem();
    write(file, chain.substring(0, chain.indexOf("-----BEGIN", 1)));
    return issued;
  }

  private void answer(byte[] request) throws Exception {
    Files.write(folder.resolve("answer.der"), ask(request).der());
  }

  private String verified(String... which) throws Exception {
    String[] arguments =
        new String[] {
          "ocsp",
          "-issuer",
          "device.pem",
          "-CAfile",
          "root.pem",
          "-verify_other",
          "device.pem",
          "-respin",
          "answer.der"
        };
    String[] all = Arrays.copyOf(arguments, arguments.length + which.length);
    System.arraycopy(which, 0, all, arguments.length, which.length);
    return run.good("openssl", all);
  }

  private byte[] asked(String... which) throws Exception {
    String[] arguments = {"ocsp", "-issuer", "device.pem", "-reqout", "request.der"};
    String[] all = Arrays.copyOf(arguments, arguments.length + which.length);
    System.arraycopy(which, 0, all, arguments.length, which.length);
    run.good("openssl", all);
    return Files.readAllBytes(folder.resolve("request.der"));
  }

  @Test
  void opensslTakesGoodRevokedAndUnknownWithItsNonce() throws Exception {
    issued("good.pem");
    String bad = issued("bad.pem").serial();
    revocations().revoke(Revoking.serials(bad));
    String[] which = {
      "-cert", "good.pem", "-cert", "bad.pem", "-serial", "0x" + Octets.hex(NEVER_ISSUED)
    };

    answer(asked(which));

    String said = verified("-reqin", "request.der");
    assertThat(said).contains("Response verify OK").doesNotContain("WARNING", "Nonce Verify error");
    String[] plain = Arrays.copyOf(which, which.length + 1);
    plain[which.length] = "-no_nonce";
    String[] words = verified(plain).split("\n", -1);
    assertThat(words)
        .anyMatch(it -> it.startsWith("good.pem: good"))
        .anyMatch(it -> it.startsWith("bad.pem: revoked"))
        .anyMatch(it -> it.contains(": unknown"))
        .anyMatch(it -> it.contains("Reason: keyCompromise"));
  }

  @Test
  void gnutlsTakesTheAnswer() throws Exception {
    issued("good.pem");
    answer(asked("-cert", "good.pem", "-no_nonce"));

    String said =
        run.good(
            "ocsptool",
            "--verify-response",
            "--load-response",
            "answer.der",
            "--load-issuer",
            "device.pem",
            "--load-trust",
            "device.pem");

    assertThat(said).contains("Success");
    assertThat(run.good("ocsptool", "--response-info", "--infile", "answer.der"))
        .contains("Certificate Status: good");
  }

  @Test
  void theDeviceCaItselfIsAskedForAtItsRoot() throws Exception {
    run.good(
        "openssl",
        "ocsp",
        "-issuer",
        "root.pem",
        "-cert",
        "device.pem",
        "-reqout",
        "request.der",
        "-no_nonce");

    answer(Files.readAllBytes(folder.resolve("request.der")));

    assertThat(
            run.good(
                "openssl",
                "ocsp",
                "-issuer",
                "root.pem",
                "-cert",
                "device.pem",
                "-CAfile",
                "root.pem",
                "-respin",
                "answer.der"))
        .contains("device.pem: good");
  }

  private CertID id(byte[] serial) {
    return OcspQuestions.id(ca.device(), serial);
  }

  private byte[] question(byte[] serial, Extension... extensions) throws Exception {
    return OcspQuestions.of(ca.device(), serial, extensions);
  }

  @Test
  void aRevocationHoldsAtOnceAlsoWhereTheAnswerWasKept() throws Exception {
    byte[] serial = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    OcspAnswer good = ask(question(serial));
    assertThat(status(good).getTagNo()).isZero();
    assertThat(ask(question(serial))).as("kept").isSameAs(good);
    assertThat(good.fresh()).isEqualTo(Duration.ofMinutes(5));

    revocations().revoke(Revoking.serials(Octets.hex(serial)));

    assertThat(status(ask(question(serial))).getTagNo()).isEqualTo(1);
  }

  @Test
  void theStoreSignsOnceForAnyNumberOfAnswers() throws Exception {
    byte[] serial = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    int before = ca.store.signatures();

    for (int i = 1; i <= 100; i++) {
      assertThat(code(ask(question(serial, OcspQuestions.nonce(i))))).isZero();
    }

    assertThat(ca.store.signatures()).isEqualTo(before + 1);
    ca.store.setAway(true);
    assertThat(code(ask(question(serial, OcspQuestions.nonce(1))))).isZero();
  }

  private static boolean hasNonce(OcspAnswer answer) {
    return basic(answer).getTbsResponseData().getResponseExtensions() != null;
  }

  @Test
  void whoAsksForTooMuchTakesNothingFromOthers() throws Exception {
    byte[] serial = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    for (int i = 0; i < OcspRation.PER_ASKER; i++) {
      assertThat(code(ask(question(NEVER_ISSUED, OcspQuestions.nonce(32)), "flood"))).isZero();
    }
    assertThat(code(ask(question(NEVER_ISSUED, OcspQuestions.nonce(32)), "flood")))
        .isEqualTo(TRY_LATER);
    assertThat(code(ask(question(NEVER_ISSUED), "flood"))).isEqualTo(TRY_LATER);

    OcspAnswer other = ask(question(serial, OcspQuestions.nonce(32)), "other");

    assertThat(hasNonce(other)).isTrue();
    ca.clock.passUnseen(Duration.ofSeconds(1));
    assertThat(code(ask(question(NEVER_ISSUED, OcspQuestions.nonce(32)), "flood"))).isZero();
  }

  @Test
  void whenVeryManyAskWhatWasIssuedIsStillAnsweredWithoutTheNonceAndSignedOnce() throws Exception {
    byte[] serial = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    revocations().revoke(Revoking.serials(Octets.hex(serial)));
    for (int i = 0; i < OcspRation.PER_SECOND; i++) {
      assertThat(code(ask(question(NEVER_ISSUED, OcspQuestions.nonce(32)), i % 50))).isZero();
    }

    OcspAnswer answer = ask(question(serial, OcspQuestions.nonce(32)), "verifier");

    assertThat(status(answer).getTagNo()).as("revoked").isEqualTo(1);
    assertThat(hasNonce(answer)).isFalse();
    assertThat(ask(question(serial, OcspQuestions.nonce(16)), "another"))
        .as("the same")
        .isSameAs(answer);
    assertThat(code(ask(question(NEVER_ISSUED, OcspQuestions.nonce(32)), "verifier")))
        .isEqualTo(TRY_LATER);
  }

  private byte[] several(int count, byte[] serial) throws Exception {
    Request[] several = new Request[count];
    Arrays.fill(several, new Request(id(serial), null));
    return new OCSPRequest(new TBSRequest(null, new DERSequence(several), (Extensions) null), null)
        .getEncoded();
  }

  private void useUpWhatIsForEachAsker() throws Exception {
    for (int i = 0; i < OcspRation.PER_SECOND; i++) {
      OcspAnswer _ = ask(question(NEVER_ISSUED), "other " + i % 50);
    }
  }

  private byte[] revoked() throws Exception {
    byte[] serial = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    revocations().revoke(Revoking.serials(Octets.hex(serial)));
    return serial;
  }

  @Test
  void whoAsksForSeveralAtOnceTakesNothingOfWhatIsForAll() throws Exception {
    byte[] issued = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    byte[] serial = revoked();
    byte[] two = several(2, issued);
    for (int i = 0; i < OcspRation.PER_ASKER / 2; i++) {
      assertThat(code(ask(two, "flood"))).isZero();
    }
    for (int i = 0; i <= OcspRation.FOR_ALL_PER_SECOND / 2; i++) {
      assertThat(code(ask(two, "flood"))).isEqualTo(TRY_LATER);
    }
    useUpWhatIsForEachAsker();

    assertThat(status(ask(question(serial, OcspQuestions.nonce(32)), "verifier")).getTagNo())
        .as("revoked")
        .isEqualTo(1);
  }

  @Test
  void whoAsksForVeryMuchThatWasNeverIssuedLeavesOthersTheirLookUps() throws Exception {
    byte[] serial = revoked();
    useUpWhatIsForEachAsker();
    for (int i = 0; i < 2 * OcspRation.LOOK_UPS_PER_SECOND; i++) {
      assertThat(code(ask(question(NEVER_ISSUED), "flood"))).isEqualTo(TRY_LATER);
    }
    assertThat(code(ask(question(serial), "flood"))).as("its own are used up").isEqualTo(TRY_LATER);

    assertThat(status(ask(question(serial), "verifier")).getTagNo()).as("revoked").isEqualTo(1);
    assertThat(status(ask(question(serial), "flood")).getTagNo()).as("kept").isEqualTo(1);
  }

  @Test
  void theLedgerIsAskedForThoseWhoAskForTooMuchNoMoreThanItsRation() {
    long[] now = {0};
    OcspRation ration = new OcspRation(() -> now[0]);
    int taken = 0;
    for (int i = 0; i < 2 * OcspRation.LOOK_UPS_PER_SECOND; i++) {
      taken += ration.takeLookUp(i % 100) ? 1 : 0;
    }
    assertThat(taken).isEqualTo(OcspRation.LOOK_UPS_PER_SECOND);
    now[0] = Duration.ofSeconds(1).toNanos();
    assertThat(ration.takeLookUp("anyone")).isTrue();
  }

  @Test
  void eachCertificateOfARequestCounts() throws Exception {
    byte[] request = several(8, NEVER_ISSUED);
    for (int i = 0; i < OcspRation.PER_ASKER / 8; i++) {
      assertThat(code(ask(request))).isZero();
    }
    assertThat(code(ask(request))).isEqualTo(TRY_LATER);
  }

  @Test
  void madeUpSerialNumbersPushOutNothingThatIsKept() throws Exception {
    byte[] serial = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    OcspAnswer kept = ask(question(serial));
    for (int i = 0; i < 5000; i++) {
      byte[] madeUp = NEVER_ISSUED.clone();
      madeUp[1] = (byte) (i >> 8);
      madeUp[2] = (byte) i;
      ca.clock.passUnseen(Duration.ofMillis(20));
      OcspAnswer unknown = ask(question(madeUp), "flood");
      assertThat(unknown.fresh()).isZero();
    }
    assertThat(ask(question(serial))).isSameAs(kept);
  }

  @Test
  void oneCertificateIsNotAskedForInAnyNumberOfWays() throws Exception {
    byte[] serial = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    CertID plain = id(serial);
    CertID strange =
        new CertID(
            new AlgorithmIdentifier(
                plain.getHashAlgorithm().getAlgorithm(), new DEROctetString(new byte[] {7})),
            plain.getIssuerNameHash(),
            plain.getIssuerKeyHash(),
            plain.getSerialNumber());
    byte[] request =
        new OCSPRequest(
                new TBSRequest(
                    null, new DERSequence(new Request(strange, null)), (Extensions) null),
                null)
            .getEncoded();

    assertThat(code(ask(request))).isEqualTo(UNAUTHORIZED);
  }

  private RevocationResult revokeDevice() throws IssuanceException {
    return revocations()
        .revoke(
            Revoking.order(
                new RevocationOrder.Target.Authority("device-1", true),
                RevocationReason.CA_COMPROMISE));
  }

  @Test
  void aRevokedDeviceCaSignsNobodyWhoAnswersForIt() throws Exception {
    byte[] serial = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    var _ = revokeDevice();
    int before = ca.store.signatures();

    assertThat(code(ask(question(serial)))).isEqualTo(UNAUTHORIZED);

    assertThat(ca.store.signatures()).isEqualTo(before);
    assertThat(ca.ca().certificates(OCSP_SIGNERS).items()).isEmpty();
  }

  @Test
  void whoAnswersForARevokedDeviceCaAlreadyGoesOnUntilItEndsAndIsNotReplaced() throws Exception {
    byte[] serial = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    assertThat(status(ask(question(serial))).getTagNo()).isZero();
    var _ = revokeDevice();

    assertThat(status(ask(question(serial))).getTagNo()).as("all it signed is").isEqualTo(1);
    ca.clock.pass(Duration.ofHours(25));
    assertThat(code(ask(question(serial)))).isEqualTo(UNAUTHORIZED);

    assertThat(ca.ca().certificates(OCSP_SIGNERS).items()).hasSize(1);
  }

  @Test
  void aRetiredDeviceCaAndARootInADrawerAreAnsweredForByNobody() throws Exception {
    byte[] serial = Octets.unhex(issued("leaf.pem").serial()).orElseThrow();
    byte[] old = question(serial);
    ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.of("pkcs11"));
    ca.ca().changes().activate("device-2");
    ca.ca().changes().retire("device-1", true);

    assertThat(code(ask(old))).isEqualTo(UNAUTHORIZED);
    run.good(
        "openssl",
        "ocsp",
        "-issuer",
        "root.pem",
        "-cert",
        "device.pem",
        "-reqout",
        "request.der",
        "-no_nonce");
    assertThat(code(ask(Files.readAllBytes(folder.resolve("request.der")))))
        .as("the root is in another store than the device CA")
        .isEqualTo(UNAUTHORIZED);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 32, 128})
  void aNonceOfTheRightLengthComesBackAsItWas(int length) throws Exception {
    OcspAnswer answer = ask(question(NEVER_ISSUED, OcspQuestions.nonce(length)));

    Extension said =
        basic(answer)
            .getTbsResponseData()
            .getResponseExtensions()
            .getExtension(OCSPObjectIdentifiers.id_pkix_ocsp_nonce);
    assertThat(said).isEqualTo(OcspQuestions.nonce(length));
    assertThat(answer.fresh()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 129, 1000})
  void aNonceOfAnotherLengthIsMalformed(int length) throws Exception {
    assertThat(code(ask(question(NEVER_ISSUED, OcspQuestions.nonce(length))))).isEqualTo(MALFORMED);
  }

  @Test
  void aStrangersCertificateAndWhatMustBeUnderstoodAreRefused() throws Exception {
    CertID id = id(NEVER_ISSUED);
    CertID stranger =
        new CertID(
            id.getHashAlgorithm(),
            new DEROctetString(new byte[20]),
            id.getIssuerKeyHash(),
            id.getSerialNumber());
    byte[] request =
        new OCSPRequest(
                new TBSRequest(
                    null, new DERSequence(new Request(stranger, null)), (Extensions) null),
                null)
            .getEncoded();
    assertThat(code(ask(request))).isEqualTo(UNAUTHORIZED);
    Extension critical =
        new Extension(Extension.noRevAvail, true, new DEROctetString(new byte[1]).getEncoded());
    assertThat(code(ask(question(NEVER_ISSUED, critical)))).isEqualTo(MALFORMED);
    assertThat(code(ask(new byte[Revocations.LONGEST_OCSP_REQUEST + 1]))).isEqualTo(MALFORMED);
  }

  @Test
  void whileTheKeyStoreIsAwayFromTheStartOneIsToldToComeLaterAndThenAnswered() throws Exception {
    ca.store.setAway(true);
    assertThat(code(ask(question(NEVER_ISSUED)))).isEqualTo(TRY_LATER);
    ca.store.setAway(false);
    ca.clock.passUnseen(Duration.ofSeconds(6));

    assertThat(code(ask(question(NEVER_ISSUED)))).isZero();
    assertThat(status(ask(question(NEVER_ISSUED))).getTagNo()).isEqualTo(2);
  }

  @Test
  void whoAnswersIsInTheLedgerAndIsReplacedInTime() throws Exception {
    ask(question(NEVER_ISSUED));
    var entries =
        ca.ca()
            .certificates(new LedgerQuery(Optional.of("vouchsafe/ocsp"), 10, Optional.empty()))
            .items();
    assertThat(entries)
        .singleElement()
        .satisfies(entry -> {
          assertThat(entry.profile()).isEqualTo("ocsp");
          assertThat(entry.authority()).isEqualTo("device-1");
          assertThat(entry.state()).isEqualTo(LedgerEntry.State.ISSUED);
          assertThat(Duration.between(entry.notBefore(), entry.notAfter()))
              .isLessThanOrEqualTo(Duration.ofHours(25));
        });
    int before = ca.store.signatures();

    ca.clock.pass(Duration.ofHours(30));

    assertThat(code(ask(question(NEVER_ISSUED)))).isZero();
    assertThat(ca.store.signatures()).isEqualTo(before + 1);
  }

  @Test
  void whenNothingIsToBeIssuedByADoubtedClockNobodyAnswers() throws Exception {
    ca.clock.trust(Trust.STOPPED);
    assertThat(code(ask(question(NEVER_ISSUED)))).isEqualTo(TRY_LATER);
  }

  @Test
  void anyMutationOfARequestEndsInAnAnswer() throws Exception {
    byte[] good =
        question(Octets.unhex(issued("leaf.pem").serial()).orElseThrow(), OcspQuestions.nonce(32));
    Random random = new Random(11);
    for (int round = 0; round < 5000; round++) {
      byte[] bad =
          Arrays.copyOf(good, random.nextInt(4) == 0 ? random.nextInt(good.length) : good.length);
      for (int i = 0; i <= random.nextInt(4) && bad.length > 0; i++) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt();
      }
      ca.clock.passUnseen(Duration.ofSeconds(1));
      assertThat(code(ask(bad))).isIn(0, MALFORMED, UNAUTHORIZED);
    }
  }
}
