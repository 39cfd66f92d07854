package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RotationEvent.Outcome;
import dev.vouchsafe.ca.clock.TrustedClock.Trust;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A device CA from its preparation to its end, and back. */
class DeviceRotationTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);

  @TempDir Path folder;
  private TestCa ca;

  @BeforeEach
  void make() throws Exception {
    ca = TestCa.in(folder);
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private AuthorityChanges changes() {
    return ca.ca().changes().by("uid 1000");
  }

  private void assertStates(State... devices) {
    assertThat(ca.ca().authorities().stream().filter(it -> it.role() == Role.DEVICE))
        .extracting(AuthorityInfo::state)
        .containsExactly(devices);
  }

  private void rotate() throws Exception {
    assertThat(changes().rotate(Role.DEVICE))
        .extracting(taken -> taken.authority().state())
        .containsExactly(State.PREPARED, State.ACTIVE);
  }

  /** As {@link #rotate}, also while others retire. */
  private void another(String id) throws IssuanceException {
    assertThat(changes().prepare(Role.DEVICE, Optional.empty()).id()).isEqualTo(id);
    assertThat(changes().activate(id).state()).isEqualTo(State.ACTIVE);
  }

  private AuthorityInfo goBack(String id) throws IssuanceException {
    return changes().abort(id, Optional.of(State.ACTIVE));
  }

  private void passAMoment() {
    ca.clock.pass(DeviceSteps.UNDER_WAY);
  }

  @Test
  void theOldOneRetiresOnlyWhenItsLastCertificateHasEnded() throws Exception {
    IssuedCertificate last = ca.issue(TestCa.grant(), REQUEST);
    rotate();
    passAMoment();
    assertThatThrownBy(() -> changes().retire("device-1", false))
        .hasMessageContaining("1 living certificate, ")
        .hasMessageContaining("edgeHub")
        .hasMessageContaining("--now");
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().retire("device-1", false));
    assertStates(State.RETIRING, State.ACTIVE);
    assertThat(changes().rotate(Role.DEVICE)).as("all there is to do is to wait").isEmpty();
    ca.clock.set(last.notAfter());
    assertThat(changes().rotate(Role.DEVICE))
        .containsExactly(new StepTaken(ca.ca().authorities().get(1), List.of()));
    assertStates(State.RETIRED, State.ACTIVE);
    ca.reopen();
    assertStates(State.RETIRED, State.ACTIVE);
  }

  @Test
  void withNowItRetiresAtOnceAndSaysWhoMayBreak() throws Exception {
    String _ = ca.issue(TestCa.grant(), REQUEST).serial();
    rotate();
    StepTaken taken = changes().retire("device-1", true);
    assertThat(taken.authority().state()).isEqualTo(State.RETIRED);
    assertThat(taken.breaks()).hasSize(1).first().asString().startsWith("edgeHub: 1 living");
  }

  @Test
  void whatItSignedAMomentAgoMayNotBeInTheLedgerYet() throws Exception {
    rotate();
    assertThatThrownBy(() -> changes().retire("device-1", false))
        .hasMessageContaining("until a moment ago");
    passAMoment();
    assertThat(changes().retire("device-1", false).authority().state()).isEqualTo(State.RETIRED);
  }

  @Test
  void howLongItIsToBeWaitedForIsSaid() throws Exception {
    rotate();
    ca.clock.pass(Duration.ofSeconds(18));
    assertThatThrownBy(() -> changes().retire("device-1", false))
        .isInstanceOfSatisfying(
            IssuanceException.class,
            e -> {
              assertThat(e.reason()).isEqualTo(Reason.AUTHORITY_WAITS);
              assertThat(e.again()).hasValue(Duration.ofSeconds(42));
              assertThat(e)
                  .hasMessageContaining(LivingUnder.time(ca.clock.instant().plusSeconds(42)));
            });
    assertThat(changes().rotate(Role.DEVICE)).as("it is left for later").isEmpty();
    assertThat(ca.ca().changes().standing().device().steps())
        .filteredOn(step -> step.step() == RotationStep.RETIRE)
        .first()
        .satisfies(step -> assertThat(step.from()).hasValue(ca.clock.instant().plusSeconds(42)))
        .satisfies(step -> assertThat(step.waitsFor()).hasSize(1));
    ca.clock.pass(Duration.ofSeconds(42));
    assertThat(changes().rotate(Role.DEVICE)).hasSize(1);
  }

  /** What somebody saw as prepared, and another has activated meanwhile, is not taken back. */
  @Test
  void toGiveUpWhatIsPreparedIsNotToTakeBackWhatSigns() throws Exception {
    String id = changes().prepare(Role.DEVICE, Optional.empty()).id();
    Refusals.assertRefused(
        Reason.AUTHORITY_STATE, () -> changes().abort(id, Optional.of(State.ACTIVE)));
    Refusals.assertRefused(
        Reason.AUTHORITY_STATE, () -> changes().abort(id, Optional.of(State.PUBLISHED)));
    changes().activate(id);
    Refusals.assertRefused(
        Reason.AUTHORITY_STATE, () -> changes().abort(id, Optional.of(State.PREPARED)));
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().abort(id));
    assertStates(State.RETIRING, State.ACTIVE);
    assertThat(goBack(id).state()).isEqualTo(State.RETIRING);
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> goBack(id));
    assertStates(State.ACTIVE, State.RETIRING);
  }

  /** By a clock that is ahead, all that lives has ended: nobody retires for good by that. */
  @Test
  void aClockInDoubtRetiresNothingUnlessItIsTold() throws Exception {
    rotate();
    passAMoment();
    ca.clock.trust(Trust.BOUNDED);
    assertThatThrownBy(() -> changes().retire("device-1", false))
        .hasMessageContaining("the time is in doubt")
        .hasMessageContaining("vouchsafe clock status");
    assertThat(changes().rotate(Role.DEVICE)).as("all there is to do is to wait").isEmpty();
    assertThat(changes().standing().device().steps())
        .filteredOn(step -> step.step() == RotationStep.RETIRE)
        .singleElement()
        .satisfies(step -> assertThat(step.waitsFor()).containsExactly(RootPlanner.CERTAIN));
    ca.clock.trust(Trust.TRUSTED);
    assertThat(changes().retire("device-1", false).authority().state()).isEqualTo(State.RETIRED);
  }

  /** What may not have begun is prepared, and waits; the plan says for what. */
  @Test
  void byAClockInDoubtARotationGoesAsFarAsItCan() throws Exception {
    ca.clock.doubt(true);
    ca.clock.set(ca.clock.instant().plus(Duration.ofDays(30)));
    assertThat(changes().rotate(Role.DEVICE))
        .extracting(taken -> taken.authority().state())
        .containsExactly(State.PREPARED);
    assertThat(changes().rotate(Role.DEVICE)).isEmpty();
    assertThat(changes().standing().device().steps().getFirst())
        .satisfies(step -> assertThat(step.step()).isEqualTo(RotationStep.ACTIVATE))
        .satisfies(step -> assertThat(step.waitsFor()).containsExactly(RootPlanner.CERTAIN));
    ca.clock.doubt(false);
    assertThat(changes().standing().device().steps().getFirst().waitsFor()).isEmpty();
    assertThat(changes().rotate(Role.DEVICE))
        .extracting(taken -> taken.authority().state())
        .containsExactly(State.ACTIVE);
  }

  @Test
  void ofARotationThatFailsHalfWayItIsToldWhatStands() throws Exception {
    List<State> told = new ArrayList<>();
    Refusals.assertRefused(
        Reason.SIGNATURE_FAILED,
        () ->
            changes()
                .rotate(
                    Role.DEVICE,
                    taken -> {
                      told.add(taken.authority().state());
                      ca.store.behave((key, message) -> key.sign(new byte[1]));
                    }));
    assertThat(told).containsExactly(State.PREPARED);
    assertStates(State.ACTIVE, State.PREPARED);
  }

  @Test
  void underARootThatHasEndedNothingIsPreparedAndItSaysWhatIsToBeDone() throws Exception {
    ca.clock.set(ca.root().getNotAfter().toInstant());
    assertThatThrownBy(() -> changes().prepare(Role.DEVICE, Optional.empty()))
        .hasMessageStartingWith("root-1 ended at ")
        .hasMessageContaining("vouchsafe ca prepare --authority root");
    Refusals.assertRefused(
        Reason.AUTHORITY_STATE, () -> changes().prepare(Role.DEVICE, Optional.empty()));
  }

  @Test
  void onlyARetiringOneIsRetired() throws Exception {
    assertThat(changes().prepare(Role.DEVICE, Optional.empty()).id()).isEqualTo("device-2");
    for (String id : List.of("device-1", "device-2", "device-3", "root-1", "issuing-1")) {
      Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().retire(id, true));
    }
    assertStates(State.ACTIVE, State.PREPARED);
  }

  @Test
  void untilItRetiresTheOldOneCanTakeOverAgain() throws Exception {
    ca.reopen();
    byte[] key =
        ca.ca()
            .moduleKeys()
            .sign(new ModuleKeys.Module("m", "1"), ModuleKeys.Which.PRIMARY, new byte[1]);
    assertThat(changes().prepare(Role.DEVICE, Optional.of("pkcs11")).id()).isEqualTo("device-2");
    changes().activate("device-2");
    IssuedCertificate under = ca.issue(TestCa.grant(), REQUEST);
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().abort("device-2"));
    assertThat(goBack("device-2").state()).isEqualTo(State.RETIRING);
    assertStates(State.ACTIVE, State.RETIRING);
    ca.reopen();
    assertStates(State.ACTIVE, State.RETIRING);
    assertThat(ca.ca().certificate(ca.issue(TestCa.grant(), REQUEST).serial()).orElseThrow())
        .extracting(LedgerEntry::authority)
        .isEqualTo("device-1");
    assertThat(
            ca.ca()
                .moduleKeys()
                .sign(new ModuleKeys.Module("m", "1"), ModuleKeys.Which.PRIMARY, new byte[1]))
        .as("sealed by the old store again")
        .isEqualTo(key);
    assertThatThrownBy(() -> goBack("device-1")).hasMessageContaining("none before it");
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().activate("device-2"));
    ca.clock.set(under.notAfter());
    assertThat(changes().retire("device-2", false).authority().state()).isEqualTo(State.RETIRED);
  }

  @Test
  void thereIsNoWayBackToOneThatIsRevoked() throws Exception {
    rotate();
    var _ =
        ca.ca()
            .revocations()
            .revoke(
                new RevocationOrder(
                    new RevocationOrder.Target.Authority("device-1", true),
                    RevocationReason.KEY_COMPROMISE,
                    Optional.empty(),
                    0));
    assertThatThrownBy(() -> goBack("device-2")).hasMessageContaining("device-1 is revoked");
    assertStates(State.RETIRING, State.ACTIVE);
  }

  /** Peers broke at it, or its key is in doubt: it must not come back as "the one before". */
  @Test
  void whatWasGivenUpOnceNeverSignsAgain() throws Exception {
    rotate();
    String _ = goBack("device-2").id();
    another("device-3");
    assertStates(State.RETIRING, State.RETIRING, State.ACTIVE);
    assertThat(goBack("device-3").state()).isEqualTo(State.RETIRING);
    assertStates(State.ACTIVE, State.RETIRING, State.RETIRING);
    another("device-4");
    var _ =
        ca.ca()
            .revocations()
            .revoke(
                new RevocationOrder(
                    new RevocationOrder.Target.Authority("device-2", true),
                    RevocationReason.KEY_COMPROMISE,
                    Optional.empty(),
                    0));
    passAMoment();
    String _ = changes().retire("device-1", true).authority().id();
    assertThatThrownBy(() -> goBack("device-4"))
        .hasMessageContaining("device-2 is revoked; device-3 was given up itself")
        .hasMessageContaining("prepare another");
  }

  @Test
  void onceTheOldOneHasRetiredThereIsNoWayBack() throws Exception {
    rotate();
    passAMoment();
    String _ = changes().retire("device-1", false).authority().id();
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> goBack("device-2"));
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().retire("device-1", true));
    assertStates(State.RETIRED, State.ACTIVE);
  }

  @Test
  void activatedTwiceItIsRefusedTheSecondTime() throws Exception {
    rotate();
    assertThatThrownBy(() -> changes().activate("device-2"))
        .hasMessageContaining("device-2 is active, not prepared");
  }

  /** Two administrators: whoever comes second is told that another is at it, or that it is done. */
  @Test
  void ofTwoAdministratorsAtOnceOneTakesTheStep() throws Exception {
    Queue<Object> ends = new ConcurrentLinkedQueue<>();
    for (int round = 2; round < 8; round++) {
      String id = changes().prepare(Role.DEVICE, Optional.empty()).id();
      assertThat(id).isEqualTo("device-" + round);
      ends.clear();
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        threads.add(
            Thread.ofPlatform()
                .start(() -> {
                  try {
                    ends.add(changes().activate(id).state());
                  } catch (IssuanceException e) {
                    ends.add(e.reason());
                  }
                }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(ends).containsOnlyOnce(State.ACTIVE);
      assertThat(ends)
          .isSubsetOf(State.ACTIVE, Reason.AUTHORITY_STATE, Reason.AUTHORITY_UNAVAILABLE);
      assertThat(ca.active(Role.DEVICE).id()).isEqualTo(id);
    }
  }

  @Test
  void theJournalHasEveryStepAndWhoTookIt() throws Exception {
    rotate();
    ca.stores.get("software").setAway(true);
    Refusals.assertRefused(
        Reason.KEY_STORE_UNAVAILABLE, () -> changes().prepare(Role.DEVICE, Optional.empty()));
    ca.stores.get("software").setAway(false);
    String _ = goBack("device-2").id();
    assertThat(ca.ca().changes().standing().journal())
        .extracting(event -> event.step() + " " + event.authority() + " " + event.outcome())
        .containsExactly("ABORT device-2 DONE", "ACTIVATE device-2 DONE", "PREPARE device-2 DONE");
    assertThat(ca.ca().changes().standing().journal())
        .extracting(RotationEvent::by, RotationEvent::at)
        .containsOnly(
            org.assertj.core.groups.Tuple.tuple(
                "uid 1000", TestCa.NOW.truncatedTo(ChronoUnit.SECONDS)));
  }

  @Test
  void aStepThatFailsInTheMiddleIsInTheJournalAsFailed() throws Exception {
    changes().prepare(Role.DEVICE, Optional.of("pkcs11"));
    ca.stores
        .get("pkcs11")
        .behave((key, message) -> {
          throw new dev.vouchsafe.keys.KeyFault.Failed("not today");
        });
    ca.store.behave((key, message) -> key.sign(new byte[1]));
    Refusals.assertRefused(Reason.SIGNATURE_FAILED, () -> changes().activate("device-2"));
    changes().abort("device-2");
    Refusals.assertRefused(
        Reason.SIGNATURE_FAILED, () -> changes().prepare(Role.DEVICE, Optional.of("pkcs11")));
    String _ = ca.ca().certificate("00").toString();
    assertThat(ca.ca().changes().standing().journal().getFirst())
        .extracting(RotationEvent::step, RotationEvent::outcome)
        .containsExactly(RotationStep.PREPARE, Outcome.FAILED);
    ca.reopen();
    assertStates(State.ACTIVE, State.RETIRED);
  }

  @Test
  void whatIsToComeIsToldWithItsTimes() throws Exception {
    RotationStanding byHand = ca.ca().changes().standing();
    assertThat(byHand.automatic()).isFalse();
    assertThat(byHand.device().steps())
        .extracting(RotationPlan.Coming::step, RotationPlan.Coming::automatic)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(RotationStep.PREPARE, false),
            org.assertj.core.groups.Tuple.tuple(RotationStep.ACTIVATE, false));
    IssuedCertificate living = ca.issue(TestCa.grant(), REQUEST);
    rotate();
    RotationPlan.Coming first = ca.ca().changes().standing().device().steps().getFirst();
    assertThat(first.step()).isEqualTo(RotationStep.PREPARE);
    RotationPlan.Coming retire =
        ca.ca().changes().standing().device().steps().stream()
            .filter(step -> step.step() == RotationStep.RETIRE)
            .findAny()
            .orElseThrow();
    assertThat(retire.authority()).isEqualTo("device-1");
    assertThat(retire.from()).hasValue(living.notAfter());
    assertThat(retire.waitsFor()).hasSize(1);
    assertThat(retire.affects()).hasSize(1).first().asString().startsWith("edgeHub: 1");
  }

  @Test
  void aFullDiskLeavesEachStepUntaken() throws Exception {
    FullDisk disk = new FullDisk();
    ca.reopen(disk, Duration.ofSeconds(30));
    disk.takeNothing();
    Refusals.assertRefused(
        Reason.LEDGER_UNAVAILABLE, () -> changes().prepare(Role.DEVICE, Optional.empty()));
    disk.free();
    String id = changes().prepare(Role.DEVICE, Optional.empty()).id();
    disk.takeNothing();
    Refusals.assertRefused(Reason.LEDGER_UNAVAILABLE, () -> changes().activate(id));
    Refusals.assertRefused(Reason.LEDGER_UNAVAILABLE, () -> changes().abort(id));
    assertThat(ca.active(Role.DEVICE).id()).isEqualTo("device-1");
    disk.free();
    changes().activate(id);
    passAMoment();
    disk.takeNothing();
    Refusals.assertRefused(Reason.LEDGER_UNAVAILABLE, () -> changes().retire("device-1", false));
    Refusals.assertRefused(Reason.LEDGER_UNAVAILABLE, () -> goBack(id));
    disk.free();
    ca.reopen();
    assertStates(State.RETIRING, State.ACTIVE);
    assertThat(changes().retire("device-1", false).authority().state()).isEqualTo(State.RETIRED);
  }
}
