package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RevocationOrder.Target;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Somebody put an older ledger into the place of one that knew more: what the kept lists name stays
 * revoked, also what is neither a module's nor an authority that signs.
 */
class OlderLedgerTest {
  @TempDir Path folder;
  private RootHome home;
  private Path backup;

  @BeforeEach
  void make() throws Exception {
    home = RootHome.inOneStore(folder);
    backup = folder.resolve("backup.db");
  }

  @AfterEach
  void close() {
    home.close();
  }

  private Path ledger() {
    return home.ca.settings.directory().resolve("ca.db");
  }

  private void keepACopy() throws Exception {
    home.ca.ca().close();
    Files.copy(ledger(), backup);
    home.ca.reopen();
  }

  private void putItBack() throws Exception {
    home.ca.ca().close();
    for (String file : List.of("ca.db", "ca.db-wal", "ca.db-shm")) {
      Files.deleteIfExists(ledger().resolveSibling(file));
    }
    Files.copy(backup, ledger());
  }

  private Revocations revocations() {
    return home.ca.ca().revocations();
  }

  private void look() {
    ((RevocationService) revocations()).look();
  }

  private void assertRoot2IsVouchedForByNobody() throws Exception {
    assertThat(home.issued().size()).isEqualTo(2);
    assertThat(home.issued().isBelievedBy(home.first)).isFalse();
    assertThat(home.issued().isBelievedBy(home.root("root-2"))).isTrue();
  }

  @Test
  void aVoucherThatTheOldRootsListNamesIsInNoChainFromTheFirstRequestOn() throws Exception {
    home.activate();
    home.changes().retire("root-1", true);
    keepACopy();
    String newWithOld = home.crosses().getFirst();
    assertThat(revocations().revoke(Revoking.serials(newWithOld)).fresh()).isEqualTo(1);
    look();

    putItBack();
    home.ca.reopen();

    assertRoot2IsVouchedForByNobody();
    assertThat(revocations().find(newWithOld)).isPresent();
    home.ca.reopen();
    assertRoot2IsVouchedForByNobody();
  }

  @Test
  void soIsOneThatTheLedgerCantTakeInNow() throws Exception {
    home.activate();
    keepACopy();
    revocations().revoke(Revoking.serials(home.crosses().getFirst()));
    look();

    putItBack();
    LedgerPeek.execute(
        home.ca.settings.directory(),
        "CREATE TRIGGER full BEFORE INSERT ON revocation"
            + " BEGIN SELECT RAISE(ABORT, 'the disk is full, says the test'); END");
    home.ca.reopen();

    assertRoot2IsVouchedForByNobody();
  }

  /** By that ledger it was never active; it was, and was revoked. */
  @Test
  void aRevokedDeviceCaThatItHasAsPreparedIsNeverActivatedAndAnotherTakesItsPlace()
      throws Exception {
    home.changes().prepare(Role.DEVICE, Optional.empty());
    keepACopy();
    home.changes().activate("device-2");
    home.changes().prepare(Role.DEVICE, Optional.empty());
    home.changes().activate("device-3");
    revocations()
        .revoke(
            Revoking.order(
                new Target.Authority("device-2", false), RevocationReason.CA_COMPROMISE));
    look();

    putItBack();
    home.ca.reopen(RotationSettings.standard());

    assertThat(home.authority("device-2").state()).isEqualTo(State.PREPARED);
    assertThat(revocations().distrusted()).containsExactly("device-2");
    for (boolean now : new boolean[] {false, true}) {
      assertThatThrownBy(() -> home.changes().activate("device-2", now))
          .isInstanceOfSatisfying(
              IssuanceException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.AUTHORITY_STATE));
    }
    X509Certificate device = home.ca.device();
    Instant begin = device.getNotBefore().toInstant();
    Duration life = Duration.between(begin, device.getNotAfter().toInstant());
    home.ca.clock.set(begin.plus(life.multipliedBy(9).dividedBy(10)));
    for (int i = 0; i < 4; i++) {
      ((IssuingService) home.ca.ca()).automatic().look();
      // That ledger doesn't know device-3 either, whose key is there.
      home.ca.clock.passUnseen(Duration.ofMinutes(6));
    }
    assertThat(home.authority("device-2").state()).isEqualTo(State.RETIRED);
    assertThat(home.ca.active(Role.DEVICE).id()).isNotIn("device-1", "device-2");
    assertThat(home.issued().size()).isEqualTo(2);
  }
}
