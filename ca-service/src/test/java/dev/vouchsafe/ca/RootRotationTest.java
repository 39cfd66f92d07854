package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.clock.TrustedClock.Trust;
import dev.vouchsafe.trust.BundleReaders;
import dev.vouchsafe.trust.TrustBundleStore;
import dev.vouchsafe.trust.TrustBundles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A root from its preparation to its end, and back, and who can verify what at each moment. */
class RootRotationTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.SERVER);
  private static final Duration REFRESH = Duration.ofHours(1);

  @TempDir Path folder;
  private TestCa ca;
  private TrustBundles bundles;
  private BundleReaders readers;
  private X509Certificate oldRoot;

  @BeforeEach
  void make() throws Exception {
    CaSettings settings = TestCa.settings(folder);
    ca = TestCa.with(settings, TestCa.stores(settings).choose(Role.ROOT, "root-pkcs11"));
    oldRoot = ca.root();
    bundles = TrustBundleStore.create(folder.resolve("bundle.json"), REFRESH, List.of(oldRoot));
    readers =
        TrustBundleStore.readers(folder.resolve("readers.json"), 1, ca.clock, ca.clock::nanoTime);
    ca.reopen(new RootBundle(bundles, readers));
  }

  @AfterEach
  void close() {
    ca.close();
  }

  private AuthorityChanges changes() {
    return ca.ca().changes().by("uid 0");
  }

  private void prepareAndPublish() throws Exception {
    assertThat(changes().prepare(Role.ROOT, Optional.empty()).id()).isEqualTo("root-2");
    assertThat(changes().publish("root-2").state()).isEqualTo(State.PUBLISHED);
  }

  private void activate() throws Exception {
    prepareAndPublish();
    ca.clock.pass(REFRESH.multipliedBy(5));
    assertThat(changes().activate("root-2").state()).isEqualTo(State.ACTIVE);
  }

  private X509Certificate root(String id) {
    return ca.ca().authorities().stream()
        .filter(it -> it.id().equals(id))
        .findAny()
        .orElseThrow()
        .certificate();
  }

  private void assertStates(Role role, State... states) {
    assertThat(ca.ca().authorities().stream().filter(it -> it.role() == role))
        .extracting(AuthorityInfo::state)
        .containsExactly(states);
  }

  /** The chain of a certificate that is issued now, whole for all that somebody may trust. */
  private WholeChain issued() throws Exception {
    Instant now = ca.clock.instant();
    List<X509Certificate> anchors =
        ca.ca().authorities().stream()
            .filter(it -> it.role() == Role.ROOT && it.state() != State.PREPARED)
            .map(AuthorityInfo::certificate)
            .filter(it -> now.isBefore(it.getNotAfter().toInstant()))
            .toList();
    return WholeChain.of(ca.issue(TestCa.grant(), REQUEST), anchors, now);
  }

  @Test
  void whatNeedsARootsKeyIsDoneInThePreparation() throws Exception {
    assertThat(changes().prepare(Role.ROOT, Optional.of("pkcs11")).keyStore()).isEqualTo("pkcs11");
    assertStates(Role.ROOT, State.ACTIVE, State.PREPARED);
    assertStates(Role.DEVICE, State.ACTIVE, State.PREPARED);
    assertThat(LedgerPeek.count(ca.settings.directory(), "cross_certificate")).isEqualTo(2);
    ca.stores.get("root-pkcs11").setAway(true);
    ca.stores.get("pkcs11").setAway(true);
    changes().publish("root-2");
    ca.clock.pass(REFRESH.multipliedBy(5));
    assertThat(changes().activate("root-2").state()).isEqualTo(State.ACTIVE);
    assertThat(issued().isBelievedBy(oldRoot)).isTrue();
  }

  @Test
  void theLedgerKnowsEachCrossCertificateBeforeItIsSigned() throws Exception {
    List<String> seen = new ArrayList<>();
    ca.stores
        .get("root-pkcs11")
        .behave((key, message) -> {
          seen.add(CrossPeek.of(ca.settings.directory(), message));
          return key.sign(message);
        });
    changes().prepare(Role.ROOT, Optional.empty());
    assertThat(seen).containsExactly("root", "cross", "cross", "device");
  }

  @Test
  void whoTrustsOnlyOneOfTheRootsFollowsAtEveryMoment() throws Exception {
    assertThat(issued().size()).isEqualTo(2);
    prepareAndPublish();
    X509Certificate newRoot = root("root-2");
    assertThat(issued().isBelievedBy(oldRoot)).isTrue();
    assertThat(issued().isBelievedBy(newRoot)).as("OldWithNew").isTrue();
    ca.clock.pass(REFRESH.multipliedBy(5));
    changes().activate("root-2");
    assertThat(issued().size()).isEqualTo(3);
    assertThat(issued().isBelievedBy(newRoot)).isTrue();
    assertThat(issued().isBelievedBy(oldRoot)).as("NewWithOld").isTrue();
    ca.reopen();
    assertThat(issued().isBelievedBy(oldRoot)).isTrue();
    ca.clock.pass(Duration.ofHours(2));
    changes().retire("root-1", false);
    assertThat(issued().isBelievedBy(newRoot)).isTrue();
    assertThat(issued().isBelievedBy(oldRoot)).as("until the old root itself ends").isTrue();
  }

  @Test
  void theBundleHasBothRootsFromPublishingToRetiring() throws Exception {
    assertThat(bundles.current().roots()).containsExactly(oldRoot);
    changes().prepare(Role.ROOT, Optional.empty());
    assertThat(bundles.current().roots()).containsExactly(oldRoot);
    Instant published = ca.clock.instant();
    changes().publish("root-2");
    assertThat(bundles.current().roots()).containsExactly(oldRoot, root("root-2"));
    assertThat(bundles.current().content().roots().getLast().activates())
        .hasValueSatisfying(time ->
            assertThat(time)
                .isCloseTo(
                    published.plus(REFRESH.multipliedBy(5)),
                    new org.assertj.core.data.TemporalUnitWithinOffset(
                        1, java.time.temporal.ChronoUnit.SECONDS)));
    ca.clock.pass(REFRESH.multipliedBy(5));
    changes().activate("root-2");
    assertThat(bundles.current().roots()).containsExactly(root("root-2"), oldRoot);
    ca.clock.pass(DeviceSteps.UNDER_WAY);
    changes().retire("root-1", false);
    assertThat(bundles.current().roots()).containsExactly(root("root-2"));
    assertStates(Role.DEVICE, State.RETIRED, State.ACTIVE);
  }

  @Test
  void itWaitsForFiveRefreshTimesAndForWhoeverWasHeardOf() throws Exception {
    readers.fetched("edgeHub", 1);
    readers.fetched("silent", 1);
    prepareAndPublish();
    assertThatThrownBy(() -> changes().activate("root-2"))
        .hasMessageContaining("edgeHub has not fetched")
        .hasMessageContaining("nobody knows by name");
    ca.clock.pass(REFRESH.multipliedBy(5).plusSeconds(1));
    readers.heard("edgeHub");
    assertThatThrownBy(() -> changes().activate("root-2"))
        .hasMessageContaining("edgeHub has not fetched")
        .hasMessageNotContaining("silent")
        .hasMessageNotContaining("nobody knows by name");
    RotationPlan.Coming step = changes().standing().root().steps().getFirst();
    assertThat(step.step()).isEqualTo(RotationStep.ACTIVATE);
    assertThat(step.waitsFor()).hasSize(1).first().asString().startsWith("edgeHub to fetch");
    assertThat(step.affects()).first().asString().startsWith("silent has not fetched it");
    assertThat(changes().rotate(Role.ROOT)).isEmpty();
    readers.fetched("edgeHub", bundles.current().sequence());
    assertThat(changes().rotate(Role.ROOT))
        .extracting(taken -> taken.authority().id() + " " + taken.authority().state())
        .containsExactly("root-2 ACTIVE");
  }

  @Test
  void withNowItWaitsForNobodyAndSaysWhoMayBreak() throws Exception {
    readers.fetched("edgeHub", 1);
    prepareAndPublish();
    StepTaken taken = changes().activate("root-2", true);
    assertThat(taken.authority().state()).isEqualTo(State.ACTIVE);
    assertThat(taken.breaks()).hasSize(2).last().asString().startsWith("edgeHub has not fetched");
  }

  @Test
  void theOldOneRetiresWhenNoLivingChainNeedsIt() throws Exception {
    IssuedCertificate under = ca.issue(TestCa.grantFor(Duration.ofDays(2)), REQUEST);
    activate();
    ca.clock.pass(DeviceSteps.UNDER_WAY);
    assertThatThrownBy(() -> changes().retire("root-1", false))
        .hasMessageContaining("chains to root-1 live")
        .hasMessageContaining("edgeHub");
    assertThat(bundles.current().roots()).contains(oldRoot);
    assertThat(changes().rotate(Role.ROOT)).isEmpty();
    ca.clock.set(under.notAfter());
    assertThat(changes().rotate(Role.ROOT))
        .extracting(taken -> taken.authority().id())
        .containsExactly("root-1");
  }

  @Test
  void beforeItIsActiveItIsGivenUpWithoutATrace() throws Exception {
    prepareAndPublish();
    assertThat(changes().abort("root-2").state()).isEqualTo(State.RETIRED);
    assertThat(bundles.current().roots()).containsExactly(oldRoot);
    assertStates(Role.DEVICE, State.ACTIVE, State.RETIRED);
    assertThat(TestCa.chain(ca.issue(TestCa.grant(), REQUEST))).hasSize(2);
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().activate("root-2"));
    assertThat(changes().prepare(Role.ROOT, Optional.empty()).id()).isEqualTo("root-3");
  }

  @Test
  void whileTheOldOneRetiresItCanTakeOverAgain() throws Exception {
    activate();
    X509Certificate newRoot = root("root-2");
    assertThat(changes().abort("root-2", Optional.of(State.ACTIVE)).state())
        .isEqualTo(State.RETIRING);
    assertStates(Role.ROOT, State.ACTIVE, State.RETIRING);
    assertStates(Role.DEVICE, State.ACTIVE, State.RETIRING);
    assertThat(bundles.current().roots()).containsExactly(oldRoot, newRoot);
    assertThat(issued().isBelievedBy(oldRoot)).isTrue();
    assertThat(issued().isBelievedBy(newRoot)).as("who fetched only the new one").isTrue();
    ca.clock.pass(DeviceSteps.UNDER_WAY);
    ca.clock.pass(Duration.ofHours(1));
    changes().retire("root-2", false);
    assertThat(TestCa.chain(ca.issue(TestCa.grant(), REQUEST))).hasSize(2);
  }

  @Test
  void stepsOutOfTurnAreRefusedAndChangeNothing() throws Exception {
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().publish("root-1"));
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().publish("device-1"));
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().abort("root-1"));
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().retire("root-1", true));
    changes().prepare(Role.ROOT, Optional.empty());
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().activate("root-2", true));
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().activate("device-2"));
    Refusals.assertRefused(
        Reason.AUTHORITY_STATE, () -> changes().prepare(Role.ROOT, Optional.empty()));
    changes().publish("root-2");
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().publish("root-2"));
    ca.clock.trust(Trust.BOUNDED);
    Refusals.assertRefused(Reason.CLOCK_UNTRUSTED, () -> changes().activate("root-2", true));
    ca.clock.trust(Trust.TRUSTED);
    assertStates(Role.ROOT, State.ACTIVE, State.PUBLISHED);
    changes().activate("root-2", true);
    Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> changes().activate("root-2", true));
    Refusals.assertRefused(
        Reason.AUTHORITY_STATE, () -> changes().prepare(Role.ROOT, Optional.empty()));
  }

  @Test
  void theDeviceCaRotatesOnWhileARootIsPublished() throws Exception {
    prepareAndPublish();
    assertThat(changes().rotate(Role.DEVICE)).hasSize(2);
    assertStates(Role.DEVICE, State.RETIRING, State.PREPARED, State.ACTIVE);
    ca.clock.pass(REFRESH.multipliedBy(5));
    changes().activate("root-2");
    assertStates(Role.DEVICE, State.RETIRING, State.ACTIVE, State.RETIRING);
    assertThat(issued().isBelievedBy(root("root-2"))).isTrue();
  }

  @Test
  void aPreparationThatFailsInTheMiddleLeavesNothing() throws Exception {
    for (int signature = 1; signature <= 4; signature++) {
      int failing = signature;
      int[] seen = {0};
      ca.stores
          .get("root-pkcs11")
          .behave((key, message) -> key.sign(++seen[0] == failing ? new byte[1] : message));
      Refusals.assertRefused(
          Reason.SIGNATURE_FAILED, () -> changes().prepare(Role.ROOT, Optional.empty()));
      var _ = ca.ca().certificate("00");
      assertThat(ca.ca().authorities()).filteredOn(it -> it.state() == State.PREPARED).isEmpty();
      ca.reopen();
      assertThat(ca.ca().authorities())
          .filteredOn(it -> it.state() == State.PREPARED)
          .as("after a start, too")
          .isEmpty();
    }
    ca.stores.get("root-pkcs11").behave((key, message) -> key.sign(message));
    assertThat(changes().prepare(Role.ROOT, Optional.empty()).state()).isEqualTo(State.PREPARED);
  }

  @Test
  void aBundleThatCanNotBeWrittenFollowsLaterAndTheRootWaitsForIt() throws Exception {
    changes().prepare(Role.ROOT, Optional.empty());
    Path file = folder.resolve("bundle.json");
    Path aside = folder.resolve("aside");
    Files.move(file, aside);
    Files.createDirectories(file.resolve("in-the-way"));
    changes().publish("root-2");
    assertThat(bundles.current().roots()).containsExactly(oldRoot);
    ca.clock.pass(REFRESH.multipliedBy(6));
    assertThatThrownBy(() -> changes().activate("root-2"))
        .hasMessageContaining("the trust bundle does not have it yet");
    assertThat(changes().standing().root().steps().getFirst().waitsFor())
        .containsExactly("the trust bundle, which could not be written with it yet");
    Files.delete(file.resolve("in-the-way"));
    Files.delete(file);
    Files.move(aside, file);
    ca.reopen();
    assertThat(bundles.current().roots()).containsExactly(oldRoot, root("root-2"));
    assertThatThrownBy(() -> changes().activate("root-2"))
        .as("five refresh times from when it really was there")
        .hasMessageContaining("nobody knows by name");
  }

  @Test
  void aFullDiskLeavesEachStepOfARootUntaken() throws Exception {
    FullDisk disk = new FullDisk();
    ca.reopen(disk, Duration.ofSeconds(30));
    disk.takeNothing();
    Refusals.assertRefused(
        Reason.LEDGER_UNAVAILABLE, () -> changes().prepare(Role.ROOT, Optional.empty()));
    disk.free();
    changes().prepare(Role.ROOT, Optional.empty());
    disk.takeNothing();
    Refusals.assertRefused(Reason.LEDGER_UNAVAILABLE, () -> changes().publish("root-2"));
    Refusals.assertRefused(Reason.LEDGER_UNAVAILABLE, () -> changes().abort("root-2"));
    assertThat(bundles.current().roots()).containsExactly(oldRoot);
    disk.free();
    changes().publish("root-2");
    disk.takeNothing();
    Refusals.assertRefused(Reason.LEDGER_UNAVAILABLE, () -> changes().activate("root-2", true));
    disk.free();
    changes().activate("root-2", true);
    disk.takeNothing();
    Refusals.assertRefused(Reason.LEDGER_UNAVAILABLE, () -> changes().retire("root-1", true));
    Refusals.assertRefused(
        Reason.LEDGER_UNAVAILABLE, () -> changes().abort("root-2", Optional.of(State.ACTIVE)));
    disk.free();
    ca.reopen();
    assertStates(Role.ROOT, State.RETIRING, State.ACTIVE);
    assertThat(changes().retire("root-1", true).authority().state()).isEqualTo(State.RETIRED);
  }
}
