package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A ledger that was restored issues nothing until its gap is accepted, and then by a new CA. */
class RestorationTest {
  private static final CertificateRequest SERVER = CertificateRequest.of(Profile.SERVER);
  private static final byte[] MANIFEST = "manifest".getBytes(StandardCharsets.US_ASCII);

  @TempDir Path folder;

  private TestCa ca() throws IOException, KeyFault {
    return TestCa.in(Files.createDirectory(folder.resolve("h")));
  }

  private Path copy(TestCa ca) throws IOException {
    return Restoring.copy(ca, folder.resolve("copy"));
  }

  /** Puts the copy in the place of the present ledger, and opens that. */
  private static List<String> restore(TestCa ca, Path copy, Optional<Path> present)
      throws IOException {
    return Restoring.restore(ca, copy, present, OptionalLong.empty());
  }

  private static String device(TestCa ca) {
    return ca.ca().authorities().stream()
        .filter(it ->
            it.role() == AuthorityInfo.Role.DEVICE && it.state() == AuthorityInfo.State.ACTIVE)
        .map(AuthorityInfo::id)
        .findFirst()
        .orElseThrow();
  }

  private static int generation(String id) {
    assertThat(id).startsWith("device-");
    return Integer.parseInt(id.substring("device-".length()));
  }

  /** More than could have been made since the backup. */
  private static void isPassedOver(String id) {
    assertThat(generation(id)).isGreaterThan(1001);
  }

  private static LedgerGap gap(TestCa ca) {
    return ca.ca().recovery().gaps().getFirst();
  }

  @Test
  void nothingIsIssuedBeforeTheGapIsAcceptedAndThenANewDeviceCaIssues() throws Exception {
    try (TestCa ca = ca()) {
      X509Certificate before = ca.leaf(TestCa.grant(), SERVER);
      Path copy = copy(ca);
      assertThat(restore(ca, copy, Optional.of(ca.settings.directory()))).isEmpty();
      assertThat(gap(ca).open()).isTrue();
      assertThat(gap(ca).latestEnd()).isEqualTo(gap(ca).restored().plus(Duration.ofDays(30)));
      Refusals.assertNothingIssued(ca, Reason.GAP_NOT_ACCEPTED, TestCa.grant(), SERVER);
      Refusals.assertRefused(
          Reason.GAP_NOT_ACCEPTED,
          () -> ca.token(TestCa.grant(), new TokenRequest(List.of("a"), Optional.empty())));
      assertThat(ca.ca().certificate(Octets.hex(before.getSerialNumber().toByteArray())))
          .isPresent();

      String id = ca.ca().recovery().accept(7);
      assertThat(id).satisfies(RestorationTest::isPassedOver).isEqualTo(device(ca));
      assertThat(gap(ca).open()).isFalse();
      assertThat(ca.leaf(TestCa.grant(), SERVER).getIssuerX500Principal())
          .isNotEqualTo(before.getIssuerX500Principal());
      Refusals.assertRefused(Reason.AUTHORITY_STATE, () -> ca.ca().recovery().accept(7));
      ca.reopen();
      assertThat(gap(ca).open()).isFalse();
      assertThat(gap(ca).accepted()).isPresent();
      assertThat(ca.leaf(TestCa.grant(), SERVER)).isNotNull();
    }
  }

  @Test
  void anAcceptanceThatWasCutOffAnywhereIsTakenToItsEndByTheNext() throws Exception {
    try (TestCa ca = ca()) {
      Path copy = copy(ca);
      List<String> _ = Restoring.restore(ca, copy, Optional.empty(), OptionalLong.of(7));
      // After the word, before any step.
      ca.store.setAway(true);
      Refusals.assertRefused(Reason.KEY_STORE_UNAVAILABLE, () -> ca.ca().recovery().accept(7));
      Refusals.assertNothingIssued(ca, Reason.GAP_NOT_ACCEPTED, TestCa.grant(), SERVER);
      ca.store.setAway(false);
      Refusals.assertRefused(
          Reason.GAP_NOT_ACCEPTED,
          () -> ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty()));
      String id = ca.ca().recovery().accept(7);
      assertThat(id).satisfies(RestorationTest::isPassedOver);
      assertThat(ca.leaf(TestCa.grant(), SERVER)).isNotNull();
      // After it took over, before that was written down.
      ca.ca().close();
      LedgerPeek.execute(ca.settings.directory(), "UPDATE gap SET accepted = NULL");
      ca.reopen();
      Refusals.assertNothingIssued(ca, Reason.GAP_NOT_ACCEPTED, TestCa.grant(), SERVER);
      assertThat(ca.ca().recovery().accept(7)).isEqualTo(id);
      assertThat(ca.leaf(TestCa.grant(), SERVER)).isNotNull();
    }
  }

  @Test
  void oneThatWasPreparedByAnAcceptanceThatWasCutOffTakesOver() throws Exception {
    try (TestCa ca = ca()) {
      AuthorityInfo prepared =
          ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
      Path copy = copy(ca);
      restore(ca, copy, Optional.empty());
      ca.ca().close();
      // As if it were of a generation that nobody used before.
      LedgerPeek.execute(ca.settings.directory(), "UPDATE used_generation SET latest = 1");
      ca.reopen();
      assertThat(ca.ca().recovery().accept(7)).isEqualTo(prepared.id()).isEqualTo(device(ca));
    }
  }

  @Test
  void administratorsTakeNoStepOnAnOldStateBeforeTheGapIsAccepted() throws Exception {
    try (TestCa ca = ca()) {
      AuthorityInfo _ = ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
      Path copy = copy(ca);
      restore(ca, copy, Optional.empty());
      AuthorityChanges steps = ca.ca().changes().by("uid 0");
      for (ThrowingCallable step :
          List.<ThrowingCallable>of(
              () -> steps.prepare(AuthorityInfo.Role.ROOT, Optional.empty()),
              () -> steps.publish("root-2"),
              () -> steps.activate("device-2", true),
              () -> steps.retire("device-1", true),
              () -> steps.abort("device-2"),
              () -> steps.rotate(AuthorityInfo.Role.DEVICE))) {
        Refusals.assertRefused(Reason.GAP_NOT_ACCEPTED, step);
      }
      assertThat(device(ca)).isEqualTo("device-1");
      String accepted = ca.ca().recovery().accept(7);
      assertThat(accepted).satisfies(RestorationTest::isPassedOver);
      AuthorityInfo next = steps.prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
      assertThat(generation(next.id())).isEqualTo(generation(accepted) + 1);
    }
  }

  @Test
  void withALedgerThatCanNotBeReadItsListsStillSayWhatWasRevoked() throws Exception {
    try (TestCa ca = ca()) {
      Path copy = copy(ca);
      String serial = ca.issue(TestCa.grant(), SERVER).serial();
      ca.ca().revocations().serve();
      ca.ca().revocations().revoke(Revoking.serials(serial));
      Path list = ca.settings.directory().resolve("crl/device-1.crl");
      byte[] served = Files.readAllBytes(list);
      ca.ca().close();
      Path ledger = ca.settings.directory().resolve("ca.db");
      byte[] whole = Files.readAllBytes(ledger);
      byte[] damaged = whole.clone();
      Arrays.fill(damaged, 0, 100, (byte) 0);
      Files.write(ledger, damaged);
      assertThat(Restoration.lost(copy, ca.settings.directory(), List.of()))
          .singleElement()
          .asString()
          .contains("can't be read, so what it knows is lost");
      Instant now = ca.clock.instant();
      List<String> _ =
          Restoration.prepare(
              copy,
              Optional.of(ca.settings.directory()),
              Restoring.facts(now, now, OptionalLong.empty()),
              TestCa.CRYPTO);
      assertThat(copy.resolve("crl/device-1.crl")).hasBinaryContent(served);
      Files.write(ledger, whole);
      ca.reopen();
    }
  }

  @Test
  void onADiskThatTakesNothingTheGapStaysOpenAndIsAcceptedWhenThereIsSpace() throws Exception {
    try (TestCa ca = ca()) {
      Path copy = copy(ca);
      restore(ca, copy, Optional.empty());
      ReadOnlyDisk disk = new ReadOnlyDisk();
      ca.reopen(disk, Duration.ofSeconds(30));
      disk.refuse(true);
      Refusals.assertRefused(Reason.LEDGER_UNAVAILABLE, () -> ca.ca().recovery().accept(7));
      assertThat(gap(ca).open()).isTrue();
      assertThat(gap(ca).wanted()).isEmpty();
      disk.refuse(false);
      assertThat(ca.ca().recovery().accept(7)).startsWith("device-");
      assertThat(ca.leaf(TestCa.grant(), SERVER)).isNotNull();
    }
  }

  @Test
  void aDeviceCaThatWasPreparedBeforeTheBackupIsGivenUpSinceItMayHaveIssued() throws Exception {
    try (TestCa ca = ca()) {
      AuthorityInfo old = ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
      Path copy = copy(ca);
      restore(ca, copy, Optional.empty());
      assertThat(ca.ca().recovery().accept(7)).satisfies(RestorationTest::isPassedOver);
      assertThat(ca.ca().authorities())
          .filteredOn(it -> it.id().equals(old.id()))
          .allMatch(it -> it.state() == AuthorityInfo.State.RETIRED);
    }
  }

  @Test
  void ofTwoThatWereBothPreparedTheOneUnderTheActiveRootIsGivenUp() throws Exception {
    try (TestCa ca = ca()) {
      AuthorityChanges steps = ca.ca().changes();
      AuthorityInfo root = steps.prepare(AuthorityInfo.Role.ROOT, Optional.empty());
      AuthorityInfo old = steps.prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
      restore(ca, copy(ca), Optional.empty());
      String taken = ca.ca().recovery().accept(7);
      assertThat(taken).satisfies(RestorationTest::isPassedOver).isEqualTo(device(ca));
      assertThat(ca.ca().authorities())
          .filteredOn(it -> it.id().equals(old.id()) || it.id().equals(root.id()))
          .extracting(AuthorityInfo::state)
          .containsExactlyInAnyOrder(AuthorityInfo.State.RETIRED, AuthorityInfo.State.PREPARED);
    }
  }

  @Test
  void whatThePresentLedgerKnowsIsToldAndItsRevocationsAreTakenIn() throws Exception {
    try (TestCa ca = ca()) {
      String known = ca.issue(TestCa.grant(), SERVER).serial();
      Path copy = copy(ca);
      String unknown = ca.issue(TestCa.grant(), SERVER).serial();
      ca.ca().revocations().revoke(Revoking.serials(known, unknown));
      ca.ca().revocations().revoke(Revoking.module(TestCa.grant().module(), "1"));
      AuthorityInfo second = ca.ca().changes().prepare(AuthorityInfo.Role.DEVICE, Optional.empty());
      AuthorityInfo _ = ca.ca().changes().activate(second.id());
      ca.ca().close();
      assertThat(Restoration.lost(copy, ca.settings.directory(), List.of()))
          .anyMatch(line -> line.contains("device-2 (active)"))
          .anyMatch(line -> line.contains("device-1 is retiring, and active in the backup"))
          .anyMatch(line -> line.contains("1 certificates"))
          .anyMatch(line -> line.contains("2 more of revoked certificates"));
      assertThat(Restoration.lost(copy, copy, List.of())).isEmpty();
      restore(ca, copy, Optional.of(ca.settings.directory()));
      assertThat(ca.ca().revocations().find(known)).isPresent();
      assertThat(ca.ca().revocations().find(unknown)).isPresent();
      assertThat(ca.ca().recovery().accept(7)).satisfies(RestorationTest::isPassedOver);
      Refusals.assertRefused(Reason.MODULE_REVOKED, () -> ca.issue(TestCa.grant(), SERVER));
    }
  }

  @Test
  void byAClockThatIsBehindTheGapEndsNoEarlierThanWhatIsKnown() throws Exception {
    try (TestCa ca = ca()) {
      Path copy = copy(ca);
      String _ = ca.issue(TestCa.grant(), SERVER).serial();
      ca.ca().close();
      List<String> _ =
          Restoration.prepare(
              copy,
              Optional.of(ca.settings.directory()),
              Restoring.facts(Instant.EPOCH, Instant.EPOCH, OptionalLong.empty()),
              TestCa.CRYPTO);
      try (Ledger ledger = Ledger.open(copy)) {
        LedgerGap gap = ledger.gaps().all().getFirst();
        assertThat(gap.restored()).isAfterOrEqualTo(TestCa.NOW.minusSeconds(1));
        assertThat(gap.latestEnd()).isAfter(TestCa.NOW.plus(Duration.ofDays(29)));
      }
      ca.reopen();
    }
  }

  @Test
  void onlyWhatTheAuditKeyOfThisKeyStoreSignedIsProved() throws Exception {
    try (TestCa ca = ca()) {
      Path copy = Files.createDirectory(folder.resolve("copy"));
      BackupSealer sealer = ca.ca().recovery().copy(copy);
      byte[] signature = ca.ca().recovery().sign(MANIFEST);
      Restoration.prove(sealer, ca.stores, TestCa.CRYPTO, MANIFEST, signature);
      for (int at = 0; at < signature.length; at++) {
        byte[] changed = signature.clone();
        changed[at] ^= 1;
        assertNotProved(ca, sealer, MANIFEST, changed);
      }
      assertNotProved(ca, sealer, "Manifest".getBytes(StandardCharsets.US_ASCII), signature);
      assertNotProved(ca, sealer, MANIFEST, new byte[0]);
      // What a checkpoint is signed by is not good for a backup.
      assertNotProved(ca, sealer, MANIFEST, ca.ca().auditKey().sign(MANIFEST));
      assertNotProved(
          ca, new BackupSealer(sealer.keyStore(), sealer.publicKey(), "QUJD"), MANIFEST, signature);
      assertNotProved(
          ca, new BackupSealer(sealer.keyStore(), "?", sealer.sealed()), MANIFEST, signature);
      try (TestCa other = TestCa.in(Files.createDirectory(folder.resolve("o")))) {
        BackupSealer foreign =
            other.ca().recovery().copy(Files.createDirectory(folder.resolve("c2")));
        assertNotProved(ca, foreign, MANIFEST, other.ca().recovery().sign(MANIFEST));
      }
      assertThatThrownBy(() -> ca.ca().recovery().copy(copy)).isInstanceOf(IOException.class);
    }
  }

  private static void assertNotProved(
      TestCa ca, BackupSealer sealer, byte[] manifest, byte[] signature) {
    assertThatThrownBy(
            () -> Restoration.prove(sealer, ca.stores, TestCa.CRYPTO, manifest, signature))
        .isInstanceOf(KeyFault.class);
  }
}
