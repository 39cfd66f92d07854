package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.RevocationOrder.Target;
import dev.vouchsafe.ca.clock.BelievedClockWithDoubt;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a clock that was ahead had packed lives, and comes back out of the archive. */
class LedgerArchiveTest {
  private static final int BLOCK = ArchiveBlock.MOST_ENTRIES;
  private static final Instant START = LedgerRows.START;
  private static final Instant END = START.plus(Duration.ofDays(20));
  private static final LedgerSettings SETTINGS =
      new LedgerSettings(OptionalLong.empty(), Duration.ofDays(1));

  @TempDir Path folder;
  private final BelievedClockWithDoubt clock = new BelievedClockWithDoubt(START);
  private LedgerRows rows;
  private List<String> living;

  @BeforeEach
  void packWhatLivesUnderAClockThatIsAheadAndCertain() throws Exception {
    rows = new LedgerRows(folder);
    living = rows.record("m", 2 * BLOCK + 1, END);
    clock.set(START.plus(Duration.ofDays(31)), true);
    LedgerThinning thinning = rows.ledger().thinning(SETTINGS, clock);
    while (thinning.packBlock()) {
      assertThat(thinning.archived()).isPositive();
    }
    for (String serial : living.subList(0, 2 * BLOCK)) {
      assertThat(rows.find(serial).archived()).isTrue();
    }
    clock.set(START, true);
  }

  @AfterEach
  void close() {
    rows.close();
  }

  private RevocationLedger revocations() throws Exception {
    return new RevocationLedger(rows.ledger().revocations());
  }

  @Test
  void allOfItStandsAmongTheCertificatesAgainAsItWasButForTheHashOfItsKey() throws Exception {
    LedgerEntry packed = rows.find(living.get(3));
    rows.ledger().archive().bringBack(START);
    for (String serial : living) {
      assertThat(rows.find(serial).archived()).isFalse();
    }
    assertThat(rows.find(living.get(3)))
        .usingRecursiveComparison()
        .ignoringFields("spkiSha256")
        .isEqualTo(packed);
    assertThat(rows.listed()).as("the newest first, each once").isEqualTo(living.reversed());
    assertThat(LedgerPeek.count(folder, "archive")).isZero();
    assertThat(LedgerPeek.count(folder, "archive_entry")).isZero();
  }

  @Test
  void itIsCountedAmongWhatLivesUnderItsAuthority() throws Exception {
    List<RotationLedger.Living> under = rows.ledger().rotation().living(START).counts();
    assertThat(under).hasSize(1);
    assertThat(under.getFirst().count()).isEqualTo(living.size());
    LiveCertificates live = new LiveCertificates(living.size());
    rows.ledger().living(START, live);
    Refusals.assertRefused(Reason.TOO_MANY_CERTIFICATES, () -> live.enter("m", END, START));
  }

  @Test
  void oneSerialBringsBackItsBlockOnlyAlsoOfALedgerOfAnOlderRelease() throws Exception {
    rows.close();
    LedgerPeek.execute(folder, "DELETE FROM archive_entry");
    LedgerPeek.execute(folder, "UPDATE archive SET listed = 0");
    rows.reopen(LedgerSchema::connect, LedgerBudget.of(LedgerSettings.STANDARD));
    assertThat(rows.find(living.getFirst()).archived()).isTrue();
    rows.ledger().archive().bringBack(LedgerRows.octets(living.getFirst()));
    assertThat(rows.find(living.getFirst()).archived()).isFalse();
    assertThat(rows.find(living.get(2 * BLOCK - 1)).archived()).isTrue();
    rows.ledger().archive().bringBack(rows.nextSerial());
    rows.ledger().archive().bringBack(START);
    assertThat(rows.find(living.get(2 * BLOCK - 1)).archived()).isFalse();
    assertThat(rows.listed()).hasSize(living.size()).doesNotHaveDuplicates();
  }

  @Test
  void itsThreadBringsItBackWithoutBeingAsked() throws Exception {
    LedgerThinning begun = rows.ledger().thin(SETTINGS, clock);
    LedgerRows.await(() -> !rows.find(living.getFirst()).archived());
    begun.close();
  }

  @Test
  void onAFullDiskItStaysWhereItIsAndComesBackWhenThereIsSpace() throws Exception {
    ReadOnlyDisk disk = new ReadOnlyDisk();
    rows.reopen(disk, LedgerBudget.of(LedgerSettings.STANDARD));
    disk.refuse(true);
    Refusals.assertRefused(
        Reason.LEDGER_UNAVAILABLE, () -> rows.ledger().archive().bringBack(START));
    assertThat(rows.find(living.getFirst()).archived()).isTrue();
    disk.refuse(false);
    rows.ledger().archive().bringBack(START);
    assertThat(rows.listed()).isEqualTo(living.reversed());
  }

  @Test
  void whatEndedStaysInTheArchive() throws Exception {
    rows.ledger().archive().bringBack(END.plus(Duration.ofDays(1)));
    assertThat(rows.find(living.getFirst()).archived()).isTrue();
  }

  @Test
  void whoAsksForPageAfterPageGoesOnBelowTheFirstNumber() throws Exception {
    rows.ledger().archive().bringBack(START);
    LedgerPage page = rows.ledger().page(new LedgerQuery(LedgerFilter.ALL, 7, Optional.empty()));
    List<String> found = new ArrayList<>();
    while (page.next().isPresent()) {
      page.items().forEach(it -> found.add(it.serial()));
      page = rows.ledger().page(new LedgerQuery(LedgerFilter.ALL, 7, page.next()));
    }
    page.items().forEach(it -> found.add(it.serial()));
    assertThat(found).isEqualTo(living.reversed());
  }

  @Test
  void aNameWithAllThatIsEscapedInASubjectComesBackAsItWas() throws Exception {
    List<String> names = List.of(" a,b+c=d\"e\\f<g>h;i ", "#41", "", "=", "\u00fc\u4e2d");
    List<String> serials = new ArrayList<>();
    Instant end = START.plus(Duration.ofDays(1));
    for (int i = 0; i < BLOCK; i++) {
      byte[] serial = rows.nextSerial();
      serials.add(Octets.hex(serial));
      Ledger.DurableIntent _ =
          rows.ledger().record(rows.intent("n", serial, names.get(i % names.size()), end)).join();
    }
    List<String> _ = rows.record("n", 1, END.plus(Duration.ofDays(99)));
    List<LedgerEntry> before = new ArrayList<>();
    for (String serial : serials) {
      before.add(rows.find(serial));
    }
    rows.ledger().archive().bringBack(START);
    clock.set(START.plus(Duration.ofDays(3)), true);
    boolean _ = rows.ledger().thinning(SETTINGS, clock).packBlock();
    assertThat(rows.find(serials.getFirst()).archived()).isTrue();
    rows.ledger().archive().bringBack(START);
    for (LedgerEntry entry : before) {
      assertThat(rows.find(entry.serial()))
          .usingRecursiveComparison()
          .ignoringFields("spkiSha256")
          .isEqualTo(entry);
    }
  }

  @Test
  void anEntryThatChangedOrWasRevokedSinceItWasReadIsNotPackedAsItWas() throws Exception {
    rows.ledger().archive().bringBack(START);
    Instant later = END.plus(Duration.ofDays(2));
    try (LedgerReader reader = new LedgerReader(folder.resolve("ca.db"))) {
      List<LedgerThinning.Row> read = reader.endedBefore(later, BLOCK);
      String changed = read.get(7).entry().serial();
      rows.ledger().outcome(LedgerRows.octets(changed), LedgerEntry.State.WITHHELD);
      assertNotPacked(read);
      assertThat(rows.find(changed).state()).isEqualTo(LedgerEntry.State.WITHHELD);

      List<LedgerThinning.Row> again = reader.endedBefore(later, BLOCK);
      String revoked = again.get(9).entry().serial();
      long fresh =
          revocations()
              .revoke(List.of(LedgerRows.octets(revoked)), Revoking.serials(revoked), START)
              .join();
      assertThat(fresh).isOne();
      assertNotPacked(again);
      assertThat(rows.find(revoked).archived()).isFalse();

      List<LedgerThinning.Row> third = reader.endedBefore(later, BLOCK);
      byte[] packed = ArchiveBlock.pack(third.stream().map(LedgerThinning.Row::entry).toList());
      Ledger.DurableIntent _ =
          rows.ledger().record(ledger -> LedgerArchive.pack(ledger, third, packed), new byte[0]);
      assertThat(rows.find(changed).archived()).isTrue();
      assertThat(rows.find(revoked).archived()).isFalse();
    }
  }

  private void assertNotPacked(List<LedgerThinning.Row> read) throws Exception {
    byte[] packed = ArchiveBlock.pack(read.stream().map(LedgerThinning.Row::entry).toList());
    assertThatThrownBy(() ->
            rows.ledger().record(ledger -> LedgerArchive.pack(ledger, read, packed), new byte[0]))
        .isInstanceOf(IssuanceException.class);
    assertThat(LedgerPeek.count(folder, "archive")).as("all or nothing").isZero();
    assertThat(rows.listed()).hasSize(living.size());
  }

  @Test
  void whatLivesIsRevokedThoughItIsInTheArchive() throws Exception {
    try (TestCa ca = TestCa.in(Files.createDirectory(folder.resolve("h")))) {
      String serial = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).serial();
      String other = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).serial();
      // Serial numbers begin with the time.
      ca.clock.pass(Duration.ofSeconds(1));
      String newest = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).serial();
      ca.ca().close();
      pack(ca.settings.directory(), serial, other);
      ca.reopen();
      assertThat(ca.ca().revocations().revoke(Revoking.serials(serial)).fresh()).isOne();
      assertThat(ca.ca().revocations().find(serial)).isPresent();
      RevocationResult all =
          ca.ca()
              .revocations()
              .revoke(
                  Revoking.order(
                      new Target.Module("edgeHub", Optional.empty(), Optional.of("1")),
                      RevocationReason.UNSPECIFIED));
      assertThat(all.fresh()).isEqualTo(2);
      for (String each : Set.of(serial, other, newest)) {
        assertThat(ca.ca().revocations().find(each)).isPresent();
      }
    }
  }

  private static RevocationOrder ofEdgeHub() {
    return Revoking.order(
        new Target.Module("edgeHub", Optional.empty(), Optional.of("1")),
        RevocationReason.UNSPECIFIED);
  }

  @Test
  void aModuleIsDeniedAndItsRowsRevokedThoughTheArchiveCantComeBack() throws Exception {
    try (TestCa ca = TestCa.in(Files.createDirectory(folder.resolve("h")))) {
      String packed = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).serial();
      ca.clock.pass(Duration.ofSeconds(1));
      String newest = ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)).serial();
      ca.ca().close();
      Path data = ca.settings.directory();
      pack(data, packed);
      LedgerPeek.execute(data, "DROP INDEX archive_end");
      ca.reopen();
      assertThatThrownBy(() -> ca.ca().revocations().revoke(ofEdgeHub()))
          .isInstanceOf(IssuanceException.class)
          .hasMessageContaining("is denied")
          .hasMessageContaining("the archive");
      assertThat(ca.ca().revocations().find(newest)).isPresent();
      assertThat(ca.ca().revocations().find(packed)).isEmpty();
      Refusals.assertRefused(
          Reason.MODULE_REVOKED,
          () -> ca.issue(TestCa.grant(), CertificateRequest.of(Profile.SERVER)));
    }
  }

  @Test
  void aBlockThatCantBeUnpackedKeepsNoModuleFromBeingRevokedNorOthersFromComingBack()
      throws Exception {
    String other = living.getFirst();
    rows.close();
    LedgerPeek.execute(
        folder,
        "UPDATE archive SET packed = x'0102030405' WHERE id = (SELECT MAX(id) FROM archive)");
    rows.reopen(LedgerSchema::connect, LedgerBudget.of(LedgerSettings.STANDARD));
    LedgerArchive archive = rows.ledger().archive();
    archive.bringBack(START, "m");
    archive.bringBack(START);
    assertThat(rows.find(other).archived()).isFalse();
    assertThat(LedgerPeek.count(folder, "archive")).isOne();
    assertThat(archive.bringBackBlock(START)).as("it is passed over").isFalse();
    List<String> ended = rows.record("old", BLOCK, START.minus(Duration.ofDays(2)));
    List<String> _ = rows.record("old", 1, END);
    rows.ledger().thinning(SETTINGS, clock).look(true);
    assertThat(rows.find(ended.getFirst()).archived()).as("packing goes on").isTrue();
  }

  @Test
  void onlyTheBlocksOfTheModuleThatIsRevokedComeBackForIt() throws Exception {
    rows.ledger().archive().bringBack(START, "another");
    assertThat(LedgerPeek.count(folder, "archive")).isEqualTo(2);
    rows.ledger().archive().bringBack(START, "m");
    assertThat(LedgerPeek.count(folder, "archive")).isZero();
  }

  @Test
  void aFullLedgerBringsNothingBackByItself() throws Exception {
    rows.reopen(1L << 30, 20L << 20, 1L << 30);
    assertThat(rows.isRefused("m", END)).isTrue();
    rows.ledger().thinning(SETTINGS, clock).look(true);
    assertThat(LedgerPeek.count(folder, "archive")).isEqualTo(2);
  }

  private static void pack(Path folder, String... serials) throws Exception {
    try (Ledger ledger = Ledger.open(folder);
        LedgerReader reader = new LedgerReader(folder.resolve("ca.db"))) {
      List<String> wanted = List.of(serials);
      List<LedgerThinning.Row> read =
          reader.endedBefore(START.plus(Duration.ofDays(99)), BLOCK).stream()
              .filter(row -> wanted.contains(row.entry().serial()))
              .toList();
      assertThat(read).as("%s", wanted).hasSize(wanted.size());
      byte[] packed = ArchiveBlock.pack(read.stream().map(LedgerThinning.Row::entry).toList());
      Ledger.DurableIntent _ =
          ledger.record(statements -> LedgerArchive.pack(statements, read, packed), new byte[0]);
    }
  }
}
