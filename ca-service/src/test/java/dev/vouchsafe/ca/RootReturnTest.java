package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The way back from a root, what it takes along, and clocks that are in doubt meanwhile. */
class RootReturnTest {
  @TempDir Path folder;
  private RootHome home;

  @BeforeEach
  void make() throws Exception {
    home = RootHome.in(folder);
  }

  @AfterEach
  void close() {
    home.close();
  }

  private AuthorityChanges changes() {
    return home.changes();
  }

  private void assertState(String id, State state) {
    assertThat(home.authority(id).state()).as(id).isEqualTo(state);
  }

  private void look() {
    ((IssuingService) home.ca.ca()).automatic().look();
  }

  private void revoke(String id) throws Exception {
    var _ =
        home.ca
            .ca()
            .revocations()
            .revoke(
                new RevocationOrder(
                    new RevocationOrder.Target.Authority(id, true),
                    RevocationReason.KEY_COMPROMISE,
                    Optional.empty(),
                    0));
  }

  /** By a clock that is ahead, five refresh times have passed at once. */
  @Test
  void byAClockInDoubtARootIsNeitherPublishedNorActivatedUnlessItIsTold() throws Exception {
    changes().prepare(Role.ROOT, Optional.empty());
    home.ca.clock.doubt(true);
    assertThatThrownBy(() -> changes().publish("root-2")).hasMessageContaining("clock status");
    assertThat(changes().rotate(Role.ROOT)).isEmpty();
    assertThat(changes().standing().root().steps())
        .allSatisfy(step -> assertThat(step.waitsFor()).anyMatch(it -> it.contains("certain")));
    assertState("root-2", State.PREPARED);
    assertThat(home.bundles.current().roots()).hasSize(1);
    home.ca.clock.doubt(false);
    changes().publish("root-2");
    home.ca.clock.doubt(true);
    home.ca.clock.set(home.ca.clock.instant().plus(Duration.ofDays(200)));
    assertThatThrownBy(() -> changes().activate("root-2"))
        .hasMessageContaining("clock status")
        .hasMessageContaining("--now");
    assertThat(changes().rotate(Role.ROOT)).isEmpty();
    assertState("root-2", State.PUBLISHED);
    assertThat(changes().activate("root-2", true).authority().state()).isEqualTo(State.ACTIVE);
  }

  @Test
  void aRootThatHasNotBegunWhenTheClockComesBackGivesWayToTheOneBefore() throws Exception {
    home.ca.reopen(RotationSettings.standard());
    Instant real = home.ca.clock.instant();
    home.ca.clock.set(real.plus(Duration.ofDays(200)));
    home.prepareAndPublish();
    changes().activate("root-2", true);
    home.ca.clock.set(real);
    Refusals.assertRefused(IssuanceException.Reason.AUTHORITY_UNAVAILABLE, home::issued);
    look();
    assertState("root-1", State.ACTIVE);
    assertState("device-1", State.ACTIVE);
    assertState("root-2", State.RETIRING);
    assertThat(home.issued().isBelievedBy(home.first)).isTrue();
    assertThat(changes().standing().journal().getFirst())
        .extracting(RotationEvent::role, RotationEvent::authority, RotationEvent::by)
        .containsExactly(Role.ROOT, "root-2", AuthorityChanges.AUTOMATIC);
    assertThat(changes().standing().problem()).isEmpty();
  }

  @Test
  void withTheRootBeforeComesTheDeviceCaThatWasNotGivenUp() throws Exception {
    changes().rotate(Role.DEVICE);
    changes().abort("device-2", Optional.of(State.ACTIVE));
    home.activate();
    changes().abort("root-2", Optional.of(State.ACTIVE));
    assertState("device-1", State.ACTIVE);
    assertState("device-2", State.RETIRING);
  }

  /** It is in the way of nothing, and nobody finds it years later under a root that has retired. */
  @Test
  void aDeviceCaThatWasMadeForTheWayBackDoesNotOutlastAFailure() throws Exception {
    home.activate();
    revoke("device-1");
    home.ca.store.behave((key, message) -> key.sign(new byte[1]));
    Refusals.assertRefused(
        IssuanceException.Reason.SIGNATURE_FAILED,
        () -> changes().abort("root-2", Optional.of(State.ACTIVE)));
    home.ca.store.behave((key, message) -> key.sign(message));
    home.ca.reopen();
    assertState("device-3", State.RETIRED);
    assertState("root-2", State.ACTIVE);
    changes().abort("root-2", Optional.of(State.ACTIVE));
    assertState("device-4", State.ACTIVE);
    assertThat(home.issued().isBelievedBy(home.first)).isTrue();
  }

  @Test
  void aDeviceCaThatWasMadeForAWayBackThatWasCutOffRetiresWithItsRoot() throws Exception {
    home.activate();
    revoke("device-1");
    DyingDisk disk = new DyingDisk();
    home.ca.reopen(disk, Duration.ofSeconds(30));
    boolean made = false;
    for (int commits = 1; !made; commits++) {
      disk.arm(commits, false);
      assertThatThrownBy(() -> changes().abort("root-2", Optional.of(State.ACTIVE)))
          .isInstanceOf(IssuanceException.class);
      home.ca.restart(home.bundle());
      made =
          home.ca.ca().authorities().stream()
              .anyMatch(it -> it.role() == Role.DEVICE && it.state() == State.PREPARED);
      disk = new DyingDisk();
      home.ca.reopen(disk, Duration.ofSeconds(30));
      assertThat(commits).isLessThan(20);
    }
    home.ca.restart(home.bundle());
    changes().retire("root-1", true);
    assertThat(home.ca.ca().authorities())
        .extracting(AuthorityInfo::state)
        .doesNotContain(State.PREPARED);
  }

  @Test
  void withTheRootBeforeComesADeviceCaThatIsNotRevoked() throws Exception {
    changes().rotate(Role.DEVICE);
    home.activate();
    revoke("device-2");
    changes().abort("root-2", Optional.of(State.ACTIVE));
    assertState("device-1", State.ACTIVE);
    assertThat(home.issued().isBelievedBy(home.first)).isTrue();
  }

  /** It could be made anew only with the next root's key, which may be in a drawer again. */
  @Test
  void theDeviceCaOfTheNextRootIsNotGivenUpAlone() throws Exception {
    changes().prepare(Role.ROOT, Optional.empty());
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> changes().abort("device-2"))
          .hasMessageContaining("takes over together with root-2")
          .hasMessageContaining("ca abort --authority root");
      assertState("device-2", State.PREPARED);
      if (i == 0) {
        changes().publish("root-2");
      }
    }
    assertThat(changes().abort("root-2").state()).isEqualTo(State.RETIRED);
    assertState("device-2", State.RETIRED);
  }

  @Test
  void whatAPersonSaidOfADeviceCaDoesNotHoldUnderTheNextRoot() throws Exception {
    home.ca.reopen(RotationSettings.standard());
    changes().rotate(Role.DEVICE);
    changes().abort("device-2", Optional.of(State.ACTIVE));
    home.activate();
    X509Certificate device = home.authority("device-3").certificate();
    Duration life =
        Duration.between(device.getNotBefore().toInstant(), device.getNotAfter().toInstant());
    home.ca.clock.set(device.getNotBefore().toInstant().plus(life.multipliedBy(3).dividedBy(5)));
    look();
    assertThat(changes().standing().problem()).isEmpty();
    assertState("device-4", State.PREPARED);
  }
}
