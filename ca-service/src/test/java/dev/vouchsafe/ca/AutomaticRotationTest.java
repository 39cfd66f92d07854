package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.clock.TrustedClock.Trust;
import dev.vouchsafe.keys.KeyFault;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A device CA that is rotated by nobody, at its time. */
class AutomaticRotationTest {
  private static final Duration LIFE = Lifetimes.defaults().deviceCa();

  @TempDir Path folder;
  private TestCa ca;
  private final Queue<RotationEvent> told = new ConcurrentLinkedQueue<>();

  @BeforeEach
  void make() throws Exception {
    ca = TestCa.in(folder);
    open(RotationSettings.standard());
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private void open(RotationSettings settings) throws Exception {
    ca.reopen(settings);
    ca.ca().changes().listen(told::add);
  }

  private void look() {
    ((IssuingService) ca.ca()).automatic().look();
  }

  private void lookAt(double part) {
    X509Certificate device = ca.device();
    Instant begin = device.getNotBefore().toInstant();
    Duration life = Duration.between(begin, device.getNotAfter().toInstant());
    ca.clock.set(begin.plusSeconds((long) (life.toSeconds() * part)));
    look();
  }

  private void assertStates(State... devices) {
    assertThat(ca.ca().authorities().stream().filter(it -> it.role() == Role.DEVICE))
        .extracting(AuthorityInfo::state)
        .containsExactly(devices);
  }

  private Optional<String> problem() throws Exception {
    return ca.ca().changes().standing().problem();
  }

  @Test
  void itPreparesAtHalfOfTheLifeAndActivatesAtFiveSixths() throws Exception {
    lookAt(0.499);
    assertStates(State.ACTIVE);
    lookAt(0.501);
    assertStates(State.ACTIVE, State.PREPARED);
    lookAt(0.832);
    assertStates(State.ACTIVE, State.PREPARED);
    lookAt(0.834);
    assertStates(State.RETIRING, State.ACTIVE);
    assertThat(told)
        .extracting(event -> event.step() + " " + event.authority() + " " + event.outcome())
        .containsExactly("PREPARE device-2 DONE", "ACTIVATE device-2 DONE");
    assertThat(told).extracting(RotationEvent::by).containsOnly(AuthorityChanges.AUTOMATIC);
  }

  @Test
  void theOldOneRetiresByItselfWhenNothingLivesUnderIt() throws Exception {
    lookAt(0.6);
    ca.clock.set(ca.device().getNotAfter().toInstant().minus(LIFE.dividedBy(8)));
    Instant end = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).notAfter();
    look();
    assertStates(State.RETIRING, State.ACTIVE);
    look();
    ca.clock.set(end.minusSeconds(1));
    look();
    assertStates(State.RETIRING, State.ACTIVE);
    ca.clock.set(end);
    ca.clock.passUnseen(DeviceSteps.UNDER_WAY);
    look();
    assertStates(State.RETIRED, State.ACTIVE);
    assertThat(told).last().extracting(RotationEvent::step).isEqualTo(RotationStep.RETIRE);
  }

  @Test
  void whenItIsOffNothingHappens() throws Exception {
    open(RotationSettings.byHand());
    lookAt(0.999);
    assertStates(State.ACTIVE);
    assertThat(told).isEmpty();
    assertThat(problem()).isEmpty();
  }

  @Test
  void itWaitsForItsWindow() throws Exception {
    open(new RotationSettings(true, MaintenanceWindow.parse("sat 02:00-04:00")));
    lookAt(0.52);
    Instant next =
        MaintenanceWindow.parse("sat 02:00-04:00").orElseThrow().next(ca.clock.instant());
    assertThat(next).isAfter(ca.clock.instant());
    assertStates(State.ACTIVE);
    assertThat(ca.ca().changes().standing().device().steps().getFirst().from()).hasValue(next);
    ca.clock.set(next);
    look();
    assertStates(State.ACTIVE, State.PREPARED);
  }

  /** To end is an outage; to rotate outside of the window is none. */
  @Test
  void inTheLastTwelfthItWaitsForNoWindow() throws Exception {
    open(new RotationSettings(true, MaintenanceWindow.parse("sat 02:00-04:00")));
    Instant end = ca.device().getNotAfter().toInstant();
    ca.clock.set(end.minus(LIFE.dividedBy(20)));
    assertThat(
            MaintenanceWindow.parse("sat 02:00-04:00").orElseThrow().contains(ca.clock.instant()))
        .isFalse();
    look();
    look();
    assertStates(State.RETIRING, State.ACTIVE);
  }

  @Test
  void whileTheClockIsNotTrustedNothingHappensAndItSaysSo() throws Exception {
    ca.clock.trust(Trust.BOUNDED);
    lookAt(0.9);
    assertStates(State.ACTIVE);
    assertThat(problem()).hasValue("the clock is not trusted");
    ca.clock.set(TestCa.NOW);
    ca.clock.trust(Trust.TRUSTED);
    look();
    assertStates(State.ACTIVE);
    assertThat(problem()).isEmpty();
  }

  @Test
  void byAClockInDoubtNothingIsPreparedOrActivatedAndItSaysSo() throws Exception {
    ca.clock.doubt(true);
    lookAt(0.7);
    assertStates(State.ACTIVE);
    assertThat(problem()).hasValueSatisfying(why -> assertThat(why).contains("clock status"));
    lookAt(0.1);
    assertThat(problem()).as("nothing is due").isEmpty();
    ca.clock.doubt(false);
    lookAt(0.7);
    ca.clock.doubt(true);
    lookAt(0.9);
    assertStates(State.ACTIVE, State.PREPARED);
    ca.clock.doubt(false);
    look();
    assertStates(State.RETIRING, State.ACTIVE);
    assertThat(problem()).isEmpty();
  }

  /** Nothing waits for a certain clock until the active one ends: it may never be certain. */
  @Test
  void whatAClockInDoubtReplacedIsUndoneWhenTheClockComesBackAndIssuingGoesOn() throws Exception {
    Instant real = ca.clock.instant();
    ca.clock.doubt(true);
    lookAt(1.4);
    look();
    assertStates(State.RETIRING, State.ACTIVE);
    CertificateRequest request = CertificateRequest.of(Profile.SERVER);
    assertThat(ca.issue(TestCa.grant(), request).notBefore()).isAfter(real.plus(LIFE));
    look();
    assertStates(State.RETIRING, State.ACTIVE);

    ca.clock.set(real);
    Refusals.assertRefused(
        IssuanceException.Reason.AUTHORITY_UNAVAILABLE, () -> ca.issue(TestCa.grant(), request));
    look();
    assertStates(State.ACTIVE, State.RETIRING);
    TestCa.chain(ca.issue(TestCa.grant(), request)).getFirst().verify(ca.device().getPublicKey());
    assertThat(told)
        .extracting(event -> event.step() + " " + event.authority() + " " + event.outcome())
        .containsExactly("PREPARE device-2 DONE", "ACTIVATE device-2 DONE", "ABORT device-2 DONE");
    lookAt(1.4);
    look();
    assertStates(State.ACTIVE, State.RETIRING);
    assertThat(problem()).as("a clock that jumps all day makes no key a minute").isPresent();
    ca.clock.passUnseen(Duration.ofHours(1));
    look();
    look();
    assertStates(State.RETIRING, State.RETIRING, State.ACTIVE);
    ca.clock.set(real);
    look();
    assertStates(State.ACTIVE, State.RETIRING, State.RETIRING);
    TestCa.chain(ca.issue(TestCa.grant(), request)).getFirst().verify(ca.device().getPublicKey());
  }

  @Test
  void whereThereIsNoneToGoBackToItSaysThatNothingCanBeIssued() throws Exception {
    Instant real = ca.clock.instant();
    ca.clock.doubt(true);
    lookAt(1.4);
    look();
    String _ = ca.ca().changes().retire("device-1", true).authority().id();
    ca.clock.set(real);
    look();
    assertStates(State.RETIRED, State.ACTIVE);
    assertThat(problem())
        .hasValueSatisfying(
            why -> assertThat(why).contains("device-2 begins at ", "nothing can be issued"));
    String _ = ca.ca().changes().prepare(Role.DEVICE, Optional.empty()).id();
    String _ = ca.ca().changes().activate("device-3", true).authority().id();
    look();
    assertThat(problem()).isEmpty();
    assertStates(State.RETIRED, State.RETIRING, State.ACTIVE);
  }

  /** A person may activate what a wrong clock made; it must not end issuing either. */
  @Test
  void whatAPersonActivatedByAClockThatCameBackIsUndoneAsWell() throws Exception {
    Instant real = ca.clock.instant();
    ca.clock.doubt(true);
    ca.clock.set(real.plus(Duration.ofDays(300)));
    String id = ca.ca().changes().prepare(Role.DEVICE, Optional.empty()).id();
    assertThatThrownBy(() -> ca.ca().changes().activate(id))
        .hasMessageContaining("clock status")
        .hasMessageContaining("--now");
    assertStates(State.ACTIVE, State.PREPARED);
    assertThat(ca.ca().changes().activate(id, true).authority().state()).isEqualTo(State.ACTIVE);
    ca.clock.set(real);
    look();
    assertStates(State.ACTIVE, State.RETIRING);
  }

  @Test
  void onePreparedByAWrongClockIsGivenUpWhenItIsDueAndAnotherMade() throws Exception {
    Instant real = ca.clock.instant();
    ca.clock.set(real.plus(LIFE.multipliedBy(3)));
    String _ = ca.ca().changes().prepare(Role.DEVICE, Optional.empty()).id();
    lookAt(0.7);
    assertStates(State.ACTIVE, State.PREPARED);
    ca.clock.doubt(true);
    lookAt(0.9);
    assertStates(State.ACTIVE, State.PREPARED);
    assertThat(problem()).isPresent();
    ca.clock.doubt(false);
    look();
    look();
    assertStates(State.ACTIVE, State.RETIRED, State.PREPARED);
  }

  /** It may never be certain again: to wait for that is to wait until nothing can be issued. */
  @Test
  void onePreparedByAWrongClockKeepsNothingFromBeingReplacedInTheLastTwelfth() throws Exception {
    Instant real = ca.clock.instant();
    ca.clock.doubt(true);
    ca.clock.set(real.plus(LIFE.multipliedBy(3)));
    String _ = ca.ca().changes().prepare(Role.DEVICE, Optional.empty()).id();
    lookAt(0.99);
    look();
    look();
    assertStates(State.RETIRING, State.RETIRED, State.ACTIVE);
    assertThat(problem()).isEmpty();
    assertThat(ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).serial())
        .isNotEmpty();
  }

  @Test
  void ofOneThatEndedByATimeInDoubtItIsSaidThatItHoldsAllUp() throws Exception {
    lookAt(0.6);
    ca.clock.doubt(true);
    ca.clock.set(ca.ca().authorities().getLast().certificate().getNotAfter().toInstant());
    look();
    assertStates(State.ACTIVE, State.PREPARED);
    assertThat(problem())
        .hasValueSatisfying(why -> assertThat(why).contains("device-2 has ended", "clock status"));
  }

  @Test
  void whatAPersonGaveUpStaysGivenUpUntilItIsUrgentAndStatusSaysSo() throws Exception {
    lookAt(0.6);
    String _ = ca.ca().changes().by("uid 7").abort("device-2").id();
    look();
    lookAt(0.9);
    assertStates(State.ACTIVE, State.RETIRED);
    assertThat(problem())
        .hasValueSatisfying(
            why -> assertThat(why).contains("device-2 was given up by uid 7", "by hand"));
    Instant begin = ca.device().getNotBefore().toInstant();
    Duration life = Duration.between(begin, ca.device().getNotAfter().toInstant());
    Instant urgent = begin.plus(life.dividedBy(12).multipliedBy(11));
    assertThat(ca.ca().changes().standing().device().steps().getFirst())
        .satisfies(step -> assertThat(step.from()).hasValue(urgent))
        .satisfies(step -> assertThat(step.waitsFor()).first().asString().contains("uid 7"));
    open(RotationSettings.standard());
    lookAt(0.91);
    assertStates(State.ACTIVE, State.RETIRED);
    ca.clock.set(urgent);
    look();
    assertStates(State.ACTIVE, State.RETIRED, State.PREPARED);
    assertThat(problem()).isEmpty();
  }

  @Test
  void whoeverGoesBackIsNotOverruled() throws Exception {
    lookAt(0.6);
    lookAt(0.85);
    assertStates(State.RETIRING, State.ACTIVE);
    String _ = ca.ca().changes().abort("device-2", Optional.of(State.ACTIVE)).id();
    look();
    look();
    assertStates(State.ACTIVE, State.RETIRING);
    assertThat(problem()).hasValueSatisfying(why -> assertThat(why).contains("by a person"));
    String _ = ca.ca().changes().prepare(Role.DEVICE, Optional.empty()).id();
    look();
    assertStates(State.RETIRING, State.RETIRING, State.ACTIVE);
  }

  @Test
  void whoeverGivesUpInTheLastTwelfthHasHalfOfWhatIsLeft() throws Exception {
    lookAt(0.96);
    assertStates(State.ACTIVE, State.PREPARED);
    String _ = ca.ca().changes().abort("device-2").id();
    lookAt(0.979);
    assertStates(State.ACTIVE, State.RETIRED);
    lookAt(0.981);
    assertStates(State.ACTIVE, State.RETIRED, State.PREPARED);
  }

  /** By a clock that was years ahead then: it must not keep it from being replaced in time. */
  @Test
  void aWordThatAWrongClockDatedAfterTheEndHoldsUntilItIsUrgentOnly() throws Exception {
    lookAt(0.6);
    ca.clock.set(ca.device().getNotAfter().toInstant().plus(LIFE));
    String _ = ca.ca().changes().abort("device-2").id();
    lookAt(0.91);
    assertStates(State.ACTIVE, State.RETIRED);
    lookAt(0.917);
    assertStates(State.ACTIVE, State.RETIRED, State.PREPARED);
  }

  @Test
  void aStepThatGoesOnFailingIsToldOnceAndTriedEverMoreRarely() throws Exception {
    ca.stores.get("software").setAway(true);
    lookAt(0.6);
    int minutes = 0;
    for (int pause : new int[] {5, 10, 20, 40, 80, 160, 320, 320}) {
      ca.clock.passUnseen(Duration.ofMinutes(pause).minusSeconds(1));
      ca.stores.get("software").setAway(false);
      look();
      assertStates(State.ACTIVE);
      ca.stores.get("software").setAway(true);
      ca.clock.passUnseen(Duration.ofSeconds(1));
      look();
      minutes += pause;
    }
    assertThat(minutes).isEqualTo(955);
    assertThat(told).hasSize(1);
    ca.stores.get("software").setAway(false);
    ca.store.behave((key, message) -> key.sign(new byte[1]));
    ca.clock.passUnseen(Duration.ofMinutes(320));
    look();
    assertThat(told).as("a new reason").hasSize(2);
    assertThat(told).extracting(RotationEvent::outcome).containsOnly(RotationEvent.Outcome.FAILED);
  }

  @Test
  void thatOneStepFailsKeepsNoOtherFromBeingTaken() throws Exception {
    lookAt(0.6);
    lookAt(0.9);
    assertStates(State.RETIRING, State.ACTIVE);
    ca.clock.passUnseen(DeviceSteps.UNDER_WAY);
    ca.clock.set(ca.device().getNotBefore().toInstant().plus(LIFE.multipliedBy(2).dividedBy(3)));
    ca.stores.get("software").setAway(true);
    look();
    assertThat(problem()).isPresent();
    assertStates(State.RETIRED, State.ACTIVE);
  }

  @Test
  void anErrorThatNobodyExpectedEndsNothing() throws Exception {
    ca.ca()
        .changes()
        .listen(event -> {
          throw new StackOverflowError("of a listener");
        });
    lookAt(0.6);
    assertThat(problem()).hasValueSatisfying(why -> assertThat(why).startsWith("internal: "));
    lookAt(0.84);
    assertStates(State.RETIRING, State.ACTIVE);
  }

  /** That a person is at it is no failure: what is due is looked at again at once. */
  @Test
  void whileAPersonTakesAStepItIsLeftAlone() throws Exception {
    CountDownLatch reached = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    ca.store.behave((key, message) -> {
      reached.countDown();
      await(go);
      throw new KeyFault.Failed("not today");
    });
    CompletableFuture<Void> person =
        CompletableFuture.runAsync(() ->
            Refusals.assertRefused(
                IssuanceException.Reason.SIGNATURE_FAILED,
                () -> ca.ca().changes().prepare(Role.DEVICE, Optional.empty())));
    await(reached);
    lookAt(0.6);
    assertThat(problem()).isEmpty();
    assertThat(told).isEmpty();
    go.countDown();
    person.join();
    ca.store.behave((key, message) -> key.sign(message));
    look();
    assertStates(State.ACTIVE, State.PREPARED);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aLostTokenIsAskedAgainAfterAPauseOnly() throws Exception {
    ca.stores.get("software").setAway(true);
    lookAt(0.6);
    assertThat(problem()).hasValueSatisfying(why -> assertThat(why).contains("key store"));
    assertThat(told)
        .hasSize(1)
        .first()
        .extracting(RotationEvent::outcome)
        .isEqualTo(RotationEvent.Outcome.FAILED);
    ca.stores.get("software").setAway(false);
    look();
    assertStates(State.ACTIVE);
    ca.clock.passUnseen(Duration.ofMinutes(5));
    look();
    assertStates(State.ACTIVE, State.PREPARED);
    assertThat(problem()).isEmpty();
  }

  @Test
  void itStaysInItsKeyStoreWhateverTheConfigurationSaysNow() throws Exception {
    ca.stores.choose(Role.DEVICE, "pkcs11");
    lookAt(0.6);
    assertThat(ca.ca().authorities().getLast().keyStore()).isEqualTo("software");
  }

  @Test
  void aPreparedOneThatEndedIsGivenUpAndAnotherMade() throws Exception {
    lookAt(0.6);
    ca.clock.set(ca.ca().authorities().getLast().certificate().getNotAfter().toInstant());
    look();
    assertStates(State.ACTIVE, State.RETIRED);
    look();
    assertStates(State.ACTIVE, State.RETIRED, State.PREPARED);
    look();
    assertStates(State.RETIRING, State.RETIRED, State.ACTIVE);
  }

  @Test
  void nothingIsWonByAnotherThatEndsWithTheRootAsWell() throws Exception {
    Instant rootEnd = ca.root().getNotAfter().toInstant();
    ca.clock.set(rootEnd.minus(LIFE).plus(Duration.ofDays(1)));
    String _ = ca.ca().changes().prepare(Role.DEVICE, Optional.empty()).id();
    String _ = ca.ca().changes().activate("device-2").id();
    lookAt(0.95);
    assertThat(ca.ca().authorities().stream().filter(it -> it.state() == State.PREPARED)).isEmpty();
    assertThat(ca.ca().changes().standing().device().steps())
        .filteredOn(step -> step.step() == RotationStep.PREPARE)
        .first()
        .satisfies(step -> assertThat(step.waitsFor()).hasSize(1))
        .extracting(RotationPlan.Coming::from)
        .isEqualTo(Optional.empty());
    assertThat(List.copyOf(told))
        .extracting(RotationEvent::step)
        .doesNotContain(RotationStep.PREPARE);
  }
}
