package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RevocationOrder.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several administrators at once, on a disk that fails one and not the other. */
class RevocationRaceTest {
  private static final CertificateRequest REQUEST = CertificateRequest.of(Profile.IDENTITY);

  @TempDir Path folder;
  private final GatedDisk disk = new GatedDisk();
  private TestCa ca;

  @BeforeEach
  void open() throws Exception {
    ca = TestCa.in(folder);
    ca.reopen(disk, Duration.ofSeconds(30));
  }

  @AfterEach
  void close() {
    disk.open();
    ca.close();
  }

  private Revocations revocations() {
    return ca.ca().revocations();
  }

  private void issued() throws IssuanceException {
    var _ = ca.issue(TestCa.grant(), REQUEST).serial();
  }

  private void assertRefused(Reason reason) {
    assertThatThrownBy(this::issued)
        .isInstanceOfSatisfying(
            IssuanceException.class, e -> assertThat(e.reason()).isEqualTo(reason));
  }

  private RevocationResult revokeModule() throws IssuanceException {
    return revocations().revoke(Revoking.module("edgeHub", "1"));
  }

  private RevocationResult revokeDevice() throws IssuanceException {
    return revocations()
        .revoke(
            Revoking.order(new Target.Authority("device-1", true), RevocationReason.CA_COMPROMISE));
  }

  /** Begins it on a thread of its own, and returns once that waits for the ledger. */
  private static <T> Future<T> begun(Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread thread = Thread.ofPlatform().daemon().start(task);
    while (thread.getState() != Thread.State.TIMED_WAITING && !task.isDone()) {
      Thread.onSpinWait();
    }
    return task;
  }

  private static <T> Future<T> started(Callable<T> work) {
    FutureTask<T> task = new FutureTask<>(work);
    Thread _ = Thread.ofPlatform().daemon().start(task);
    return task;
  }

  private static void assertFails(Future<?> administrator) {
    assertThatThrownBy(() -> administrator.get(30, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOfSatisfying(
            IssuanceException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.LEDGER_UNAVAILABLE));
  }

  /** Waits until no note is left that would be the next commit. */
  private void quiet() throws IssuanceException {
    var _ = ca.ca().certificates(new LedgerQuery(Optional.empty(), 1, Optional.empty()));
  }

  /** Has that done when something is written down as revoked, just before. */
  private void meanwhile(String sql) throws Exception {
    ca.ca().close();
    LedgerPeek.execute(
        ca.settings.directory(),
        "CREATE TRIGGER meanwhile BEFORE INSERT ON revocation BEGIN " + sql + "; END");
    ca.reopen();
  }

  /** Two ask for the same; the first one's commit fails, and the second one's doesn't. */
  private <T> T secondOfTwo(Callable<T> work) throws Exception {
    quiet();
    disk.gate();
    Future<T> first = begun(work);
    disk.awaitCommit();
    Future<T> second = begun(work);
    disk.decide(false);
    disk.awaitCommit();
    disk.open();
    assertFails(first);
    return second.get(30, TimeUnit.SECONDS);
  }

  @Test
  void anAcknowledgedDenialStaysThoughAnotherAdministratorsFailed() throws Exception {
    issued();

    RevocationResult result = secondOfTwo(this::revokeModule);

    assertThat(result.fresh()).isEqualTo(1);
    assertRefused(Reason.MODULE_REVOKED);
    ca.reopen();
    assertRefused(Reason.MODULE_REVOKED);
  }

  @Test
  void anAcknowledgedDistrustStaysThoughAnotherAdministratorsFailed() throws Exception {
    assertThat(secondOfTwo(this::revokeDevice).fresh()).isEqualTo(1);

    assertRefused(Reason.AUTHORITY_UNAVAILABLE);
    assertThat(revocations().distrusted()).containsExactly("device-1");
  }

  @Test
  void aModuleThatIsRevokedWhileAnotherAllowsItIsDenied() throws Exception {
    issued();
    revokeModule();
    quiet();
    disk.gate();
    Future<List<String>> allowing = begun(() -> revocations().allow("edgeHub", Optional.empty()));
    disk.awaitCommit();
    Future<RevocationResult> revoking = begun(this::revokeModule);
    disk.open();

    assertThat(allowing.get(30, TimeUnit.SECONDS)).containsExactly("1");
    assertThat(revoking.get(30, TimeUnit.SECONDS).denied()).containsExactly("1");

    assertRefused(Reason.MODULE_REVOKED);
    ca.reopen();
    assertRefused(Reason.MODULE_REVOKED);
  }

  /** A step that was planned before the authority was revoked, and is written after. */
  @Test
  void aRevokedAuthorityIsNotGoneBackToByAStepThatBeganBefore() throws Exception {
    issued();
    ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
    ca.ca().changes().activate("device-2");
    quiet();
    disk.gate();
    Future<RevocationResult> revoking =
        begun(() ->
            revocations()
                .revoke(
                    Revoking.order(
                        new Target.Authority("device-1", false), RevocationReason.CA_COMPROMISE)));
    disk.awaitCommit();
    Future<AuthorityInfo> aborting = begun(() -> ca.ca().changes().abort("device-2"));
    disk.open();

    assertThat(revoking.get(30, TimeUnit.SECONDS).fresh()).isEqualTo(1);
    assertThatThrownBy(() -> aborting.get(30, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class);

    assertThat(ca.active(AuthorityInfo.Role.DEVICE).id()).isEqualTo("device-2");
    issued();
  }

  /** The other way round: it took over since whoever revokes looked. */
  @Test
  void anAuthorityThatTookOverMeanwhileIsNotRevokedWithoutNow() throws Exception {
    ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
    ca.ca().changes().activate("device-2");
    // As a step that is written after the look, and before the revocation.
    meanwhile(
        "UPDATE authority SET state = CASE generation WHEN 1 THEN 'active' ELSE 'retiring' END"
            + " WHERE role = 'device'");

    assertThatThrownBy(() ->
            revocations()
                .revoke(
                    Revoking.order(
                        new Target.Authority("device-1", false), RevocationReason.CA_COMPROMISE)))
        .isInstanceOfSatisfying(
            IssuanceException.class, e -> assertThat(e.reason()).isEqualTo(Reason.AUTHORITY_STATE));

    assertThat(revocations().distrusted()).isEmpty();
  }

  @Test
  void aSerialThatWentToTheArchiveMeanwhileIsNotSaidToBeRevoked() throws Exception {
    String one = ca.issue(TestCa.grant(), REQUEST).serial();
    String other = ca.issue(TestCa.grant(), REQUEST).serial();
    meanwhile("DELETE FROM certificate WHERE serial <> NEW.serial");

    assertThatThrownBy(() -> revocations().revoke(Revoking.serials(one, other)))
        .isInstanceOf(IssuanceException.class);

    assertThat(LedgerPeek.count(ca.settings.directory(), "revocation")).isZero();
  }

  @Test
  void manyAdministratorsLeaveInMemoryWhatTheLedgerSays() throws Exception {
    for (int round = 0; round < 10; round++) {
      List<Future<?>> all =
          List.of(
              started(this::revokeModule),
              started(() -> revocations().allow("edgeHub", Optional.empty())),
              started(this::revokeModule),
              started(() -> revocations().allow("edgeHub", Optional.empty())));
      for (Future<?> each : all) {
        var _ = each.get(30, TimeUnit.SECONDS);
      }
      boolean denied = LedgerPeek.count(ca.settings.directory(), "denied_module") > 0;
      if (denied) {
        assertRefused(Reason.MODULE_REVOKED);
      } else {
        issued();
      }
    }
  }
}
