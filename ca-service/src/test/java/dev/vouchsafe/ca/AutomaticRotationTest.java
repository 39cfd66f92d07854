package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.clock.TrustedClock.Trust;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
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
  void aClockThatJumpedAndCameBackLeavesNoPlanBehind() throws Exception {
    lookAt(0.6);
    lookAt(0.1);
    assertStates(State.ACTIVE, State.PREPARED);
    lookAt(0.7);
    assertStates(State.ACTIVE, State.PREPARED);
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
