package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Issuing when store, ledger or caller let it down, and in crowds. */
class IssuingFaultsTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);
  private static final LedgerQuery ALL = new LedgerQuery(Optional.empty(), 1000, Optional.empty());

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

  private LedgerEntry only() throws IssuanceException {
    List<LedgerEntry> entries = ca.ca().certificates(ALL).items();
    assertThat(entries).hasSize(1);
    return entries.getFirst();
  }

  @Test
  void theIntentIsCommittedBeforeTheKeySigns() throws Exception {
    List<String> states = Collections.synchronizedList(new ArrayList<>());
    ca.store.behave((key, message) -> {
      states.add(LedgerPeek.leafOf(ca.settings.directory(), message));
      return key.sign(message);
    });
    ca.reopen();
    for (int i = 0; i < 5; i++) {
      ca.issue(TestCa.grant(), REQUEST);
    }
    assertThat(states)
        .hasSize(5)
        .containsOnly(Integer.toString(StateCode.of(LedgerEntry.State.INTENDED)));
  }

  @Test
  void whatTheLedgerKnowsIsWhatWasSigned() throws Exception {
    IssuedCertificate issued = ca.issue(TestCa.grant(), REQUEST);
    byte[] tbs = TestCa.chain(issued).getFirst().getTBSCertificate();
    byte[] key = TestCa.chain(issued).getFirst().getPublicKey().getEncoded();
    assertThat(only().tbsSha256()).isEqualTo(Octets.hex(Octets.sha256(tbs)));
    assertThat(only().spkiSha256()).hasValue(Octets.hex(Octets.sha256(key)));
    assertThat(only().notAfter()).isEqualTo(issued.notAfter());
    assertThat(only().serial())
        .isEqualTo(TestCa.chain(issued).getFirst().getSerialNumber().toString(16));
  }

  @Test
  void anIntentIsWorthOneSignatureOnly() throws Exception {
    ca.ca().close();
    try (Ledger ledger = Ledger.open(ca.settings.directory())) {
      LeafPlan plan =
          new LeafPlan(
              TestCa.leaf(Profile.SERVER),
              TestCa.subject("x"),
              List.of(new SanName.Dns("x")),
              TestCa.NOW,
              TestCa.NOW,
              TestCa.NOW);
      Ledger.DurableIntent intent =
          ledger
              .record(
                  new LeafIntent(
                      TestCa.grant(),
                      plan,
                      2,
                      new Serials().next(TestCa.NOW),
                      new byte[] {1},
                      new byte[32]))
              .join();
      assertThat(intent.redeem()).containsExactly(1);
      assertThatThrownBy(intent::redeem).isInstanceOf(IllegalStateException.class);
    }
    ca.reopen();
  }

  @Test
  void aStoreThatIsAwayIsUnavailableAndTheLedgerSaysFailed() throws Exception {
    ca.store.behave((key, message) -> {
      throw new KeyFault.Unavailable("unplugged by the test");
    });
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> ca.issue(TestCa.grant(), REQUEST));
    assertThat(only().state()).isEqualTo(LedgerEntry.State.FAILED);
    ca.store.behave((key, message) -> key.sign(message));
    assertThat(ca.issue(TestCa.grant(), REQUEST).serial()).hasSize(32);
  }

  @Test
  void aStoreThatFailsIsAFailureOfOurs() throws Exception {
    ca.store.behave((key, message) -> {
      throw new KeyFault.Failed("broken by the test");
    });
    Refusals.assertRefused(Reason.SIGNATURE_FAILED, () -> ca.issue(TestCa.grant(), REQUEST));
    assertThat(only().state()).isEqualTo(LedgerEntry.State.FAILED);
  }

  @Test
  void aWrongSignatureIsNotDelivered() throws Exception {
    List<InsecureFaultyStore.Behaviour> wrong =
        List.of(
            (key, message) -> key.sign("something else".getBytes(StandardCharsets.UTF_8)),
            (key, message) -> {
              byte[] signature = key.sign(message);
              signature[signature.length - 1] ^= 1;
              return signature;
            },
            (key, message) -> new byte[0],
            (key, message) -> new byte[72]);
    for (InsecureFaultyStore.Behaviour behaviour : wrong) {
      ca.store.behave(behaviour);
      int signatures = ca.store.signatures();
      Refusals.assertRefused(Reason.SIGNATURE_FAILED, () -> ca.issue(TestCa.grant(), REQUEST));
      assertThat(ca.store.signatures()).isEqualTo(signatures + 1);
      assertThat(ca.ca().certificates(ALL).items().getFirst().state())
          .isEqualTo(LedgerEntry.State.FAILED);
    }
  }

  @Test
  void aStoreThatThrowsSomethingElseStillEndsInAnAnswer() throws Exception {
    ca.store.behave((key, message) -> {
      throw new IllegalStateException("a bug of the test");
    });
    Refusals.assertRefused(Reason.SIGNATURE_FAILED, () -> ca.issue(TestCa.grant(), REQUEST));
    assertThat(only().state()).isEqualTo(LedgerEntry.State.FAILED);
  }

  @Test
  void anErrorInTheStoreStillEndsInAnAnswerAndClosingDoesNotHang() throws Exception {
    ca.store.behave((key, message) -> {
      throw new StackOverflowError("a bug of the test");
    });
    Refusals.assertRefused(Reason.LINT, () -> ca.issue(TestCa.grant(), REQUEST));
    assertThat(only().state()).isEqualTo(LedgerEntry.State.INTENDED);
    ca.reopen();
  }

  @Test
  void whenTheLedgerIsFullNothingIsSignedAndItGoesOnWhenThereIsSpace() throws Exception {
    ca.ca().close();
    FullDisk disk = new FullDisk();
    Ledger ledger = Ledger.open(ca.settings.directory(), disk);
    try (CertificateAuthority full =
        CertificateAuthorities.open(
            ca.settings,
            AuthorityStores.single(ca.store),
            TestCa.CRYPTO,
            ca.clock,
            ca.executor,
            ledger,
            Pace.real(),
            RotationSettings.byHand(),
            Optional.empty())) {
      full.issue(TestCa.grant(), REQUEST).join();
      disk.fill();
      int signatures = ca.store.signatures();
      int refused = 0;
      for (int i = 0; i < 200; i++) {
        CompletableFuture<IssuedCertificate> answer = full.issue(TestCa.grant(), REQUEST);
        try {
          answer.join();
          signatures++;
        } catch (CompletionException e) {
          assertThat(e.getCause())
              .isInstanceOfSatisfying(
                  IssuanceException.class,
                  refusal -> assertThat(refusal.reason()).isEqualTo(Reason.LEDGER_UNAVAILABLE));
          refused++;
        }
      }
      assertThat(refused).isPositive();
      assertThat(ca.store.signatures()).as("no signature without its record").isEqualTo(signatures);

      disk.free();
      IssuedCertificate after = full.issue(TestCa.grant(), REQUEST).join();
      assertThat(full.certificate(after.serial()).orElseThrow().state())
          .isEqualTo(LedgerEntry.State.ISSUED);
      assertThat(full.certificates(ALL).items()).hasSize(202 - refused);
    }
    ca.reopen();
  }

  @Test
  void aThousandAtOnceAllGetTheirOwn() throws Exception {
    List<CompletableFuture<IssuedCertificate>> answers =
        IntStream.range(0, 1000).mapToObj(i -> ca.ca().issue(TestCa.grant(), REQUEST)).toList();
    List<String> serials = answers.stream().map(answer -> answer.join().serial()).toList();

    assertThat(serials).doesNotHaveDuplicates().hasSize(1000);
    List<LedgerEntry> entries = ca.ca().certificates(ALL).items();
    assertThat(entries)
        .extracting(LedgerEntry::serial)
        .containsExactlyInAnyOrderElementsOf(serials);
    assertThat(entries).extracting(LedgerEntry::state).containsOnly(LedgerEntry.State.ISSUED);
  }

  @Test
  void refusalsAmongOthersHarmNobody() throws Exception {
    CertificateRequest evil =
        new CertificateRequest(
            Profile.SERVER,
            Optional.empty(),
            Optional.of("evil.example"),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty());
    List<CompletableFuture<IssuedCertificate>> answers =
        IntStream.range(0, 300)
            .mapToObj(i -> ca.ca().issue(TestCa.grant(), i % 3 == 0 ? evil : REQUEST))
            .toList();
    CompletableFuture.allOf(answers.toArray(new CompletableFuture<?>[0]))
        .handle((done, failure) -> failure != null)
        .join();
    assertThat(answers.stream().filter(CompletableFuture::isCompletedExceptionally)).hasSize(100);
    assertThat(ca.ca().certificates(ALL).items()).hasSize(200);
  }

  @Test
  void whatIsWithheldSaysSo() throws Exception {
    IssuedCertificate issued = ca.issue(TestCa.grant(), REQUEST);
    ca.ca().withhold(issued);
    assertThat(only().state()).isEqualTo(LedgerEntry.State.WITHHELD);
    ca.reopen();
    assertThat(only().state()).isEqualTo(LedgerEntry.State.WITHHELD);
  }

  @Test
  void whatNobodyWaitsForAnyMoreIsWithheld() throws Exception {
    CountDownLatch signing = new CountDownLatch(1);
    CountDownLatch given = new CountDownLatch(1);
    ca.store.behave((key, message) -> {
      signing.countDown();
      awaitUninterrupted(given);
      return key.sign(message);
    });
    CompletableFuture<IssuedCertificate> answer = ca.ca().issue(TestCa.grant(), REQUEST);
    awaitUninterrupted(signing);
    assertThat(answer.cancel(true)).isTrue();
    given.countDown();
    ca.reopen();
    assertThat(only().state()).isEqualTo(LedgerEntry.State.WITHHELD);
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void closingWaitsForWhatIsUnderWayAndRefusesMore() throws Exception {
    List<CompletableFuture<IssuedCertificate>> answers =
        IntStream.range(0, 100).mapToObj(i -> ca.ca().issue(TestCa.grant(), REQUEST)).toList();
    ca.ca().close();

    assertThat(answers).allMatch(CompletableFuture::isDone);
    assertThat(answers).noneMatch(CompletableFuture::isCompletedExceptionally);
    Refusals.assertRefused(Reason.AUTHORITY_UNAVAILABLE, () -> ca.issue(TestCa.grant(), REQUEST));
    ca.reopen();
    assertThat(ca.ca().certificates(ALL).items())
        .hasSize(100)
        .extracting(LedgerEntry::state)
        .containsOnly(LedgerEntry.State.ISSUED);
  }

  @Test
  void anExecutorThatTakesNothingIsUnavailable() throws Exception {
    ca.ca().close();
    try (CertificateAuthority busy =
        CertificateAuthorities.open(
            ca.settings,
            AuthorityStores.single(ca.store),
            TestCa.CRYPTO,
            ca.clock,
            work -> {
              throw new RejectedExecutionException("full");
            })) {
      CompletableFuture<IssuedCertificate> answer = busy.issue(TestCa.grant(), REQUEST);
      assertThat(answer.isCompletedExceptionally()).isTrue();
      assertThat(answer.exceptionNow())
          .isInstanceOfSatisfying(
              IssuanceException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.AUTHORITY_UNAVAILABLE));
    }
    ca.reopen();
  }

  @Test
  void aProfileThatIsNotGrantedIsRefused() throws Exception {
    Grant serverOnly =
        new Grant(
            "m",
            "1",
            Set.of(Profile.SERVER),
            List.of("gateway.local"),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Optional.empty());
    Refusals.assertNothingIssued(
        ca, Reason.PROFILE_NOT_GRANTED, serverOnly, CertificateRequest.of(Profile.IDENTITY));
  }

  @Test
  void aServerWithoutAnyNameIsRefusedAndAnIdentityIsNot() throws Exception {
    Grant nameless = TestCa.grant(List.of("*.gateway.local"), List.of());
    Refusals.assertNothingIssued(ca, Reason.NO_NAME, nameless, REQUEST);
    assertThat(
            ca.leaf(nameless, CertificateRequest.of(Profile.IDENTITY)).getSubjectAlternativeNames())
        .containsExactly(List.of(6, TestCa.SPIFFE_ID));
  }

  @Test
  void anIdentityWithoutNamesOrSpiffeIdHasNoSan() throws Exception {
    Grant bare =
        new Grant(
            "a module, with spaces",
            "1",
            Set.of(Profile.IDENTITY),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Optional.empty());
    assertThat(ca.leaf(bare, CertificateRequest.of(Profile.IDENTITY)).getSubjectAlternativeNames())
        .isNull();
    assertThat(only().names()).isEmpty();
    assertThat(only().subject()).isEqualTo("CN=a module\\, with spaces");
  }

  @Test
  void aKeyTypeThatWeDoNotMakeIsInvalid() throws Exception {
    for (String type : List.of("", "ec-p521", "EC-P256", "rsa-1024", "ed25519\n")) {
      Refusals.assertNothingIssued(
          ca,
          Reason.REQUEST_INVALID,
          TestCa.grant(),
          new CertificateRequest(
              Profile.SERVER,
              Optional.empty(),
              Optional.empty(),
              List.of(),
              List.of(),
              Optional.empty(),
              Optional.of(type)));
    }
  }

  @Test
  void aPrivateKeyIsInNoText() throws Exception {
    IssuedCertificate issued = ca.issue(TestCa.grant(), REQUEST);
    assertThat(issued.privateKeyPem().orElseThrow()).startsWith("-----BEGIN PRIVATE KEY-----");
    assertThat(issued.toString()).doesNotContain("PRIVATE").contains(issued.serial());
  }
}
