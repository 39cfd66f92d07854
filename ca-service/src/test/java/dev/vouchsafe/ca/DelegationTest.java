package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.IssuingCaSettings.Mode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When an issuing CA is made anew, and what happens while it can't be. */
class DelegationTest {
  private static final Duration DAY = Duration.ofHours(24);
  private static final Duration HOUR = Duration.ofHours(1);
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);

  @TempDir Path folder;
  private TestCa ca;
  private X509Certificate first;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.with(TestCa.settings(folder, new IssuingCaSettings(Mode.ON, DAY, Set.of())));
    first = issuer();
  }

  @AfterEach
  void close() {
    ca.close();
  }

  /** Who signed a leaf that is issued now. */
  private X509Certificate issuer() throws Exception {
    List<X509Certificate> chain = TestCa.chain(ca.issue(TestCa.grant(), REQUEST));
    chain.get(0).verify(chain.get(1).getPublicKey());
    return chain.get(1);
  }

  /** Asks until another authority than that signs, which must be soon. */
  private X509Certificate issuerAfter(X509Certificate before) throws Exception {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    X509Certificate now = issuer();
    while (now.equals(before) && System.nanoTime() < end) {
      now = issuer();
    }
    assertThat(now).isNotEqualTo(before);
    return now;
  }

  private Instant end() {
    return first.getNotAfter().toInstant();
  }

  private int made() {
    return ca.ca().authorities().stream()
        .filter(it -> it.role() == Role.ISSUING)
        .map(AuthorityInfo::id)
        .mapToInt(id -> Integer.parseInt(id.substring("issuing-".length())))
        .max()
        .orElse(0);
  }

  @Test
  void itIsMadeAnewAtHalfOfItsLifeAndNotBefore() throws Exception {
    ca.clock.pass(DAY.dividedBy(2).minus(Duration.ofMinutes(5)));
    assertThat(issuer()).isEqualTo(first);
    assertThat(made()).isEqualTo(1);
    ca.clock.pass(Duration.ofMinutes(10));
    X509Certificate second = issuerAfter(first);
    assertThat(second.getBasicConstraints()).isZero();
    assertThat(second.getNotAfter().toInstant())
        .isEqualTo(ca.clock.instant().truncatedTo(ChronoUnit.SECONDS).plus(DAY));
    assertThat(ca.ca().authorities()).hasSize(4);
    for (int i = 0; i < 20; i++) {
      assertThat(issuer()).isEqualTo(second);
    }
    assertThat(made()).isEqualTo(2);
  }

  /** The device CA hangs while it signs the next: nobody who can do without waits for that. */
  @Test
  void whileTheNextIsBeingMadeThePresentOneGoesOn() throws Exception {
    CountDownLatch signing = new CountDownLatch(1);
    CountDownLatch given = new CountDownLatch(1);
    ca.store.behave((key, message) -> {
      signing.countDown();
      await(given);
      return key.sign(message);
    });
    ca.clock.pass(DAY.dividedBy(2));
    assertThat(issuer()).isEqualTo(first);
    await(signing);
    assertThat(issuer()).isEqualTo(first);
    given.countDown();
    issuerAfter(first);
  }

  /** One whose certificate is back-dated by more than it lives would be old when it is made. */
  @Test
  void oneOfAMinuteIsMadeOnceAndNotWithoutEnd(@TempDir Path other) throws Exception {
    CaSettings settings =
        TestCa.settings(other, new IssuingCaSettings(Mode.ON, Duration.ofMinutes(1), Set.of()));
    try (TestCa brief = TestCa.with(settings)) {
      for (int i = 0; i < 20; i++) {
        assertThat(TestCa.chain(brief.issue(TestCa.grantFor(Duration.ofSeconds(9)), REQUEST)))
            .hasSize(3);
      }
      assertThat(LedgerPeek.count(settings.directory(), "authority")).isEqualTo(3);
      brief.clock.pass(Duration.ofSeconds(31));
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      while (LedgerPeek.count(settings.directory(), "authority") == 3 && System.nanoTime() < end) {
        brief.issue(TestCa.grantFor(Duration.ofSeconds(9)), REQUEST);
      }
      assertThat(LedgerPeek.count(settings.directory(), "authority")).isEqualTo(4);
    }
  }

  @Test
  void noneIsMadeByADeviceCaThatHasEnded() throws Exception {
    int before = LedgerPeek.count(ca.settings.directory(), "authority");
    int signatures = ca.store.signatures();
    ca.clock.set(ca.device().getNotAfter().toInstant().plusSeconds(60));
    Refusals.assertRefused(Reason.AUTHORITY_UNAVAILABLE, () -> ca.issue(TestCa.grant(), REQUEST));
    assertThat(LedgerPeek.count(ca.settings.directory(), "authority")).isEqualTo(before);
    assertThat(ca.store.signatures()).isEqualTo(signatures);
  }

  /** Each key is known to be an authority's, whatever the clock says in between. */
  @Test
  void aClockThatJumpsAheadAndBackForgetsNoIssuingCa() throws Exception {
    ca.clock.set(TestCa.NOW.plus(Duration.ofDays(300)));
    X509Certificate second = issuerAfter(first);
    assertThat(ca.ca().authorities().stream().map(AuthorityInfo::id)).doesNotContain("issuing-1");
    ca.clock.set(TestCa.NOW);
    X509Certificate third = issuerAfter(second);
    assertThat(ca.ca().authorities().stream().map(AuthorityInfo::certificate))
        .contains(first, second, third);
    ca.reopen();
    assertThat(ca.ca().authorities().stream().map(AuthorityInfo::certificate))
        .contains(first, second, third);
  }

  /** The first who come wait for it; whoever comes later knows that it hangs. */
  @Test
  void nobodyWaitsForOneThatHasBeenWaitedForInVain() throws Exception {
    CountDownLatch signing = new CountDownLatch(1);
    CountDownLatch given = new CountDownLatch(1);
    ca.ca().close();
    ca.store.behave((key, message) -> {
      if (signing.getCount() > 0) {
        signing.countDown();
        await(given);
      }
      return key.sign(message);
    });
    ca.reopen();
    await(signing);
    CompletableFuture<IssuedCertificate> waits = ca.ca().issue(TestCa.grant(), REQUEST);
    ca.clock.passUnseen(Duration.ofSeconds(31));
    assertThat(issuer()).isEqualTo(ca.device());
    assertThat(waits).isNotDone();
    given.countDown();
    assertThat(TestCa.chain(waits.join())).hasSize(3);
  }

  @Test
  void whoeverIsSignedForByTheDeviceCaDoesNotWaitForTheIssuingCa(@TempDir Path other)
      throws Exception {
    CaSettings settings =
        TestCa.settings(other, new IssuingCaSettings(Mode.ON, DAY, Set.of(Profile.SERVER)));
    try (TestCa both = TestCa.with(settings)) {
      CountDownLatch signing = new CountDownLatch(1);
      CountDownLatch given = new CountDownLatch(1);
      both.ca().close();
      both.store.behave((key, message) -> {
        if (signing.getCount() > 0) {
          signing.countDown();
          await(given);
        }
        return key.sign(message);
      });
      both.reopen();
      await(signing);
      assertThat(TestCa.chain(both.issue(TestCa.grant(), REQUEST))).hasSize(2);
      CertificateRequest identity = CertificateRequest.of(Profile.IDENTITY);
      assertThat(TestCa.chain(both.issue(TestCa.grantFor(DAY.plusSeconds(1)), identity)))
          .hasSize(2);
      given.countDown();
      assertThat(TestCa.chain(both.issue(TestCa.grant(), identity))).hasSize(3);
    }
  }

  /** Not a fault of the key store: a mistake of ours, or of the Java runtime. */
  @Test
  void aMakingThatFailsUnexpectedlyEndsAndAnotherIsTriedLater() throws Exception {
    ca.store.behave((key, message) -> {
      throw new StackOverflowError("thrown by the test");
    });
    ca.clock.pass(DAY.dividedBy(2));
    int before = ca.store.signatures();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (ca.store.signatures() < before + 2 && System.nanoTime() < end) {
      assertThat(issuer()).isEqualTo(first);
      ca.clock.passUnseen(Duration.ofSeconds(6));
    }
    ca.store.behave((key, message) -> key.sign(message));
    X509Certificate now = issuer();
    while (now.equals(first) && System.nanoTime() < end) {
      ca.clock.passUnseen(Duration.ofSeconds(6));
      now = issuer();
    }
    assertThat(now).isNotEqualTo(first);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void withTheStoreAwayThePresentOneGoesOnToItsEndAndShortensItsLastLeaves() throws Exception {
    ca.store.setAway(true);
    ca.clock.pass(DAY.minus(HOUR.dividedBy(2)));
    X509Certificate leaf = ca.leaf(TestCa.grantFor(HOUR), REQUEST);
    leaf.verify(first.getPublicKey());
    assertThat(leaf.getNotAfter().toInstant()).isEqualTo(end());
    Refusals.assertRefused(
        Reason.KEY_STORE_UNAVAILABLE, () -> ca.issue(TestCa.grantFor(Duration.ofDays(2)), REQUEST));
    ca.clock.set(end().plusSeconds(1));
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> ca.issue(TestCa.grant(), REQUEST));
  }

  @Test
  void aLeafIsNotShortenedWhereTheDeviceCaCanSignIt() throws Exception {
    ca.store.behave((key, message) -> key.sign("other".getBytes(StandardCharsets.UTF_8)));
    ca.clock.pass(DAY.minus(HOUR.dividedBy(2)));
    Refusals.assertRefused(Reason.SIGNATURE_FAILED, () -> ca.issue(TestCa.grantFor(HOUR), REQUEST));
    ca.store.behave((key, message) -> key.sign(message));
    X509Certificate leaf = ca.leaf(TestCa.grantFor(HOUR), REQUEST);
    assertThat(leaf.getNotAfter().toInstant())
        .isEqualTo(ca.clock.instant().truncatedTo(ChronoUnit.SECONDS).plus(HOUR));
  }

  @Test
  void whenTheStoreIsBackItIssuesAtOnceAndThereIsAnIssuingCaSoon() throws Exception {
    ca.store.setAway(true);
    ca.clock.set(end().plusSeconds(1));
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> ca.issue(TestCa.grant(), REQUEST));
    ca.store.setAway(false);
    assertThat(issuer()).as("within the pause, the device CA itself").isEqualTo(ca.device());
    ca.clock.passUnseen(Duration.ofSeconds(6));
    assertThat(issuerAfter(ca.device()).getBasicConstraints()).isZero();
  }

  @Test
  void aLostStoreIsNotAskedAtEveryRequest() throws Exception {
    ca.clock.pass(DAY.dividedBy(2));
    int before = ca.store.signatures();
    ca.store.setAway(true);
    for (int i = 0; i < 50; i++) {
      assertThat(issuer()).isEqualTo(first);
    }
    assertThat(ca.store.signatures() - before).isLessThanOrEqualTo(1);
  }

  @Test
  void aDeviceCaThatSignsWronglyMakesNoIssuingCa() throws Exception {
    ca.store.behave((key, message) -> key.sign("other".getBytes(StandardCharsets.UTF_8)));
    ca.reopen();
    Refusals.assertRefused(Reason.SIGNATURE_FAILED, () -> ca.issue(TestCa.grant(), REQUEST));
    assertThat(ca.ca().authorities().stream().filter(it -> it.role() == Role.ISSUING))
        .as("only the one of the process before")
        .hasSize(1);
  }

  @Test
  void aStartWithTheStoreAwayIssuesWhenItIsBack() throws Exception {
    ca.store.setAway(true);
    ca.reopen();
    Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> ca.issue(TestCa.grant(), REQUEST));
    ca.store.setAway(false);
    ca.clock.passUnseen(Duration.ofSeconds(6));
    assertThat(issuer().getBasicConstraints()).isZero();
  }

  @Test
  void aClockThatGoesBackBeforeItBeganMakesAnother() throws Exception {
    ca.clock.pass(DAY.dividedBy(2));
    X509Certificate second = issuerAfter(first);
    ca.clock.set(TestCa.NOW);
    X509Certificate third = issuer();
    assertThat(third).isNotEqualTo(second);
    assertThat(third.getBasicConstraints()).isZero();
    assertThat(third.getNotBefore().toInstant()).isBefore(TestCa.NOW);
  }

  @Test
  void oneEndsWithItsDeviceCaAndIsNotMadeAgainAndAgain() throws Exception {
    Instant last = ca.device().getNotAfter().toInstant();
    ca.clock.set(last.minus(Duration.ofHours(5)));
    X509Certificate capped = issuerAfter(first);
    assertThat(capped.getNotAfter().toInstant()).isEqualTo(last);
    int before = made();
    ca.clock.set(last.minus(HOUR.dividedBy(2)));
    for (int i = 0; i < 20; i++) {
      assertThat(issuer()).isEqualTo(capped);
    }
    assertThat(made()).isEqualTo(before);
    assertThat(ca.leaf(TestCa.grantFor(HOUR), REQUEST).getNotAfter().toInstant()).isEqualTo(last);
  }

  @Test
  void whatACrashLeftHalfMadeIsNeverListedOrUsed() throws Exception {
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(), "UPDATE authority SET state = 'prepared' WHERE role = 'issuing'");
    ca.reopen();
    assertThat(issuer().getBasicConstraints()).isZero();
    assertThat(ca.ca().authorities())
        .extracting(AuthorityInfo::id)
        .containsExactly("root-1", "device-1", "issuing-2");
  }
}
