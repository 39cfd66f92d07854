package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RotationEvent.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steps on a slow disk, in a slow key store, and after many restarts. */
class RotationFaultsTest {
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

  private void awaitOutcome(Outcome outcome) throws IssuanceException {
    long begin = System.nanoTime();
    List<RotationEvent> journal = List.of();
    while (journal.isEmpty() || journal.getFirst().outcome() != outcome) {
      assertThat(System.nanoTime() - begin)
          .as(journal.toString())
          .isLessThan(TimeUnit.SECONDS.toNanos(30));
      journal = ca.ca().changes().standing().journal();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * The disk writes later what it was given: nothing of it is done, and nothing is undone for it.
   */
  @Test
  void aStepWhoseBeginningADiskWroteTooLateFailedAndUndoesNothingLater() throws Exception {
    StalledDisk disk = new StalledDisk();
    ca.reopen(disk, Duration.ofMillis(100));
    disk.stall();
    Refusals.assertRefused(
        Reason.LEDGER_UNAVAILABLE, () -> changes().prepare(Role.DEVICE, Optional.empty()));
    disk.release();
    awaitOutcome(Outcome.FAILED);
    ca.reopen(LedgerSchema::connect, Duration.ofSeconds(30));
    assertThat(changes().prepare(Role.DEVICE, Optional.empty()).id()).isEqualTo("device-2");
    // As where a kill came before the note of the failure.
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(), "UPDATE rotation_step SET outcome = 'begun' WHERE id = 1");
    ca.reopen();
    assertStates(State.ACTIVE, State.PREPARED);
    assertThat(ca.ca().changes().standing().journal())
        .extracting(RotationEvent::outcome)
        .containsExactly(Outcome.DONE, Outcome.INTERRUPTED);
  }

  /** However often it was restarted since: each start makes an issuing CA. */
  @Test
  void thePlanSeesWhatLivesUnderIssuingCasMadeSinceTheStart() throws Exception {
    ca.close();
    ca =
        TestCa.with(
            TestCa.settings(
                Files.createDirectory(folder.resolve("two-speed")),
                new IssuingCaSettings(IssuingCaSettings.Mode.ON, Duration.ofHours(24), Set.of())));
    IssuedCertificate leaf = ca.issue(TestCa.grant(), REQUEST);
    assertThat(TestCa.chain(leaf)).as("an issuing CA signed it").hasSize(3);
    assertThat(ca.ca().changes().standing().device().steps())
        .filteredOn(step -> step.step() == RotationStep.ACTIVATE)
        .flatExtracting(RotationPlan.Coming::affects)
        .anySatisfy(line -> assertThat(line).contains("1 living"))
        .anySatisfy(line -> assertThat(line).startsWith("edgeHub: 1"));
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(),
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)"
            + " INSERT INTO authority(role, generation, key_store, key_type, state, serial,"
            + " tbs_sha256, certificate) SELECT role, 1000 + i, key_store, key_type, 'retiring',"
            + " randomblob(16), tbs_sha256, certificate FROM authority, n"
            + " WHERE role = 'issuing' AND generation = 1");
    ca.reopen();
    assertThat(changes().rotate(Role.DEVICE)).hasSize(2);
    ca.clock.pass(DeviceSteps.UNDER_WAY);
    ca.clock.set(leaf.notAfter().minusSeconds(1));
    assertThatThrownBy(() -> changes().retire("device-1", false))
        .hasMessageContaining("1 living certificate, ");
  }

  @Test
  void howAStepEndedForWhichNobodyWaitedAnyMoreIsTold() throws Exception {
    BlockingQueue<RotationEvent> told = new LinkedBlockingQueue<>();
    ca.ca().changes().listen(told::add);
    CountDownLatch reached = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    ca.store.behave((key, message) -> {
      reached.countDown();
      await(go);
      return key.sign(message);
    });
    Thread asking =
        Thread.ofPlatform()
            .start(() ->
                Refusals.assertRefused(
                    Reason.AUTHORITY_UNAVAILABLE,
                    () -> changes().prepare(Role.DEVICE, Optional.empty())));
    await(reached);
    asking.interrupt();
    asking.join();
    assertThat(told).isEmpty();
    go.countDown();
    assertThat(told.poll(30, TimeUnit.SECONDS))
        .isNotNull()
        .extracting(
            RotationEvent::step,
            RotationEvent::authority,
            RotationEvent::by,
            RotationEvent::outcome)
        .containsExactly(RotationStep.PREPARE, "device-2", "uid 1000", Outcome.DONE);
  }
}
