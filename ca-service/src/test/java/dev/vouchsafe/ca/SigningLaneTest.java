package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.IssuanceException.Reason;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A token that is slow, or hangs: who waits for it is told soon, and nobody else waits. */
class SigningLaneTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);
  private static final Duration SOON = Duration.ofSeconds(20);

  @TempDir Path folder;
  private final CountDownLatch given = new CountDownLatch(1);
  private final AtomicInteger inside = new AtomicInteger();
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    CaSettings settings = TestCa.settings(folder);
    ca = TestCa.with(settings, TestCa.stores(settings).choose(Role.DEVICE, "pkcs11"));
    String _ = ca.token(TokensTest.grant("hub"), TokensTest.request("hub")).id();
  }

  @AfterEach
  void close() {
    given.countDown();
    ca.close();
  }

  private void hang() {
    hang(message -> true);
  }

  /** What isn't a leaf, such as a revocation list, is signed at once. */
  private void hangLeaves() {
    hang(message -> !LedgerPeek.leafOf(ca.settings.directory(), message).equals("unknown"));
  }

  private void hang(Predicate<byte[]> which) {
    ca.store.behave((key, message) -> {
      if (!which.test(message)) {
        return key.sign(message);
      }
      inside.incrementAndGet();
      try {
        assertThat(given.await(60, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      return key.sign(message);
    });
  }

  private List<CompletableFuture<IssuedCertificate>> ask(int count) {
    List<CompletableFuture<IssuedCertificate>> answers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      answers.add(ca.ca().issue(TestCa.grant(), REQUEST));
    }
    return answers;
  }

  private static Reason refusal(CompletableFuture<IssuedCertificate> answer) {
    try {
      answer.orTimeout(SOON.toSeconds(), TimeUnit.SECONDS).join();
      throw new AssertionError("it was answered");
    } catch (CompletionException e) {
      if (e.getCause() instanceof IssuanceException refused) {
        return refused.reason();
      }
      throw e;
    }
  }

  @Test
  void whoDoesNotGetATurnIsToldSoonAndNothingIsSignedForIt() throws Exception {
    hang();
    List<CompletableFuture<IssuedCertificate>> answers = ask(60);
    List<CompletableFuture<IssuedCertificate>> refused = answers.stream().skip(10).toList();
    refused.forEach(answer -> assertThat(refusal(answer)).isEqualTo(Reason.KEY_STORE_UNAVAILABLE));
    int begun = inside.get();
    assertThat(begun).as("few hang with it").isBetween(1, 8);
    given.countDown();
    for (CompletableFuture<IssuedCertificate> answer : answers) {
      boolean _ = answer.handle((done, failure) -> done != null).join();
    }
    assertThat(inside).as("nobody signs for those who were told").hasValue(begun);
    ca.reopen();
    assertThat(
            ca.ca().certificates(new LedgerQuery(Optional.empty(), 100, Optional.empty())).items())
        .filteredOn(entry -> entry.state() == LedgerEntry.State.FAILED)
        .hasSize(60 - begun);
  }

  /** It may have signed: the ledger says "intended", which stands as issued. */
  @Test
  void whoseTurnTakesTooLongIsToldAndTheLedgerStands() throws Exception {
    hang();
    assertThat(refusal(ask(1).getFirst())).isEqualTo(Reason.KEY_STORE_UNAVAILABLE);
    given.countDown();
    ca.reopen();
    assertThat(
            ca.ca().certificates(new LedgerQuery(Optional.empty(), 100, Optional.empty())).items())
        .extracting(LedgerEntry::state)
        .containsExactly(LedgerEntry.State.INTENDED);
  }

  private void awaitInside(int count) {
    long end = System.nanoTime() + SOON.toNanos();
    while (inside.get() < count && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    assertThat(inside).hasValueGreaterThanOrEqualTo(count);
  }

  private LedgerEntry onlyEntry() throws IssuanceException {
    return ca.ca()
        .certificates(new LedgerQuery(Optional.of("edgeHub"), 10, Optional.empty()))
        .items()
        .getFirst();
  }

  @Test
  void whatIsRevokedWhileTheTokenSignsIsNotHandedOut() throws Exception {
    hangLeaves();
    CompletableFuture<IssuedCertificate> answer = ask(1).getFirst();
    awaitInside(1);

    RevocationResult result = ca.ca().revocations().revoke(Revoking.module("edgeHub", "1"));
    given.countDown();

    assertThat(refusal(answer)).isEqualTo(Reason.MODULE_REVOKED);
    assertThat(result.fresh()).as("it is on the list all the same").isEqualTo(1);
    assertThat(onlyEntry().state()).isEqualTo(LedgerEntry.State.WITHHELD);
  }

  @Test
  void whatARevokedAuthoritySignsJustThenIsNotHandedOut() throws Exception {
    hangLeaves();
    CompletableFuture<IssuedCertificate> answer = ask(1).getFirst();
    awaitInside(1);

    var _ =
        ca.ca()
            .revocations()
            .revoke(
                Revoking.order(
                    new RevocationOrder.Target.Authority("device-1", true),
                    RevocationReason.CA_COMPROMISE));
    given.countDown();

    assertThat(refusal(answer)).isEqualTo(Reason.AUTHORITY_UNAVAILABLE);
    assertThat(onlyEntry().state()).isEqualTo(LedgerEntry.State.WITHHELD);
  }

  @Test
  void whatIsRevokedBeforeItsTurnIsNotSigned() throws Exception {
    hangLeaves();
    List<CompletableFuture<IssuedCertificate>> signing = ask(4);
    awaitInside(4);
    List<CompletableFuture<IssuedCertificate>> waiting = ask(4);

    var _ = ca.ca().revocations().revoke(Revoking.module("edgeHub", "1"));
    given.countDown();

    // Whose patience ended first was told that it is busy.
    waiting.forEach(answer ->
        assertThat(refusal(answer)).isIn(Reason.MODULE_REVOKED, Reason.KEY_STORE_UNAVAILABLE));
    signing.forEach(answer -> assertThat(refusal(answer)).isEqualTo(Reason.MODULE_REVOKED));
    assertThat(inside).as("no other was signed").hasValue(4);
  }

  @Test
  void aListIsSignedThoughModulesKeepTheTokenBusy() throws Exception {
    String serial = ca.issue(TestCa.grant(), REQUEST).serial();
    hangLeaves();
    List<CompletableFuture<IssuedCertificate>> answers = ask(60);
    awaitInside(4);

    RevocationResult result = ca.ca().revocations().revoke(Revoking.serials(serial));

    assertThat(result.unlisted()).isEmpty();
    assertThat(Revoking.serials(Revoking.crl(ca, "device-1"))).containsExactly(serial);
    given.countDown();
    answers.forEach(answer -> answer.handle((done, failure) -> done != null).join());
  }

  @Test
  void whatDoesNotNeedTheTokenGoesOnWithAllWorkers() throws Exception {
    hang();
    List<CompletableFuture<IssuedCertificate>> answers = ask(60);
    for (int i = 0; i < 200; i++) {
      String _ =
          ca.ca()
              .tokens()
              .issue(TokensTest.grant("hub"), TokensTest.request("hub"))
              .orTimeout(SOON.toSeconds(), TimeUnit.SECONDS)
              .join()
              .id();
    }
    given.countDown();
    answers.forEach(answer -> answer.handle((done, failure) -> done != null).join());
  }

  @Test
  void afterAHangItIssuesAgain() throws Exception {
    hang();
    List<CompletableFuture<IssuedCertificate>> answers = ask(20);
    assertThat(refusal(answers.getLast())).isEqualTo(Reason.KEY_STORE_UNAVAILABLE);
    given.countDown();
    assertThat(ca.issue(TestCa.grant(), REQUEST).serial()).hasSize(32);
  }
}
