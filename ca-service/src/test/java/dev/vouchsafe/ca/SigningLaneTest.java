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
    ca.store.behave((key, message) -> {
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
