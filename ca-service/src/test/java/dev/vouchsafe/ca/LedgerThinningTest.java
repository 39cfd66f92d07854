package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.clock.BelievedClockWithDoubt;
import dev.vouchsafe.keys.KeyType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The archive and the limit of the ledger: nothing is forgotten, and nothing grows past it. */
class LedgerThinningTest {
  private static final int BLOCK = ArchiveBlock.MOST_ENTRIES;
  private static final Instant START = TestCa.NOW;
  private static final Duration WHOLE = Duration.ofDays(30);
  private static final LedgerSettings SETTINGS = new LedgerSettings(OptionalLong.empty(), WHOLE);

  @TempDir Path folder;
  private final Serials serials = new Serials();
  private final BelievedClockWithDoubt clock = new BelievedClockWithDoubt(START);
  private Ledger ledger;
  private int made;

  @BeforeEach
  void make() throws Exception {
    ledger = Ledger.create(folder);
    for (AuthorityInfo.Role role : List.of(AuthorityInfo.Role.ROOT, AuthorityInfo.Role.DEVICE)) {
      ledger.reserve(
          new NewAuthority(role, "software", KeyType.EC_P256, AuthorityInfo.State.ACTIVE),
          serials.next(START));
    }
  }

  @AfterEach
  void close() {
    ledger.close();
  }

  private void peek(String sql) throws Exception {
    ledger.close();
    LedgerPeek.execute(folder, sql);
    ledger = Ledger.open(folder);
  }

  private void reopen(LedgerBudget budget) throws Exception {
    ledger.close();
    ledger = Ledger.open(folder, LedgerSchema::connect, budget);
  }

  private LeafIntent intent(byte[] serial, Instant end) {
    LeafPlan plan =
        new LeafPlan(
            TestCa.leaf(Profile.SERVER),
            TestCa.subject("a.local"),
            List.of(new SanName.Dns("a.local")),
            end.minusSeconds(3600),
            end,
            end);
    Grant grant =
        new Grant(
            "m",
            "1",
            Set.of(Profile.SERVER),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Optional.empty());
    return new LeafIntent(grant, plan, 2, serial, serial, new byte[32]);
  }

  /** No two of the same time, so that the newest is the one that was made last. */
  private byte[] nextSerial() {
    return serials.next(START.plusMillis(made++));
  }

  private List<String> record(int count, Instant end) {
    List<String> recorded = new ArrayList<>();
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      byte[] serial = nextSerial();
      recorded.add(Octets.hex(serial));
      all.add(ledger.record(intent(serial, end.plusSeconds(i))));
      if (all.size() == 1000 || i == count - 1) {
        CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).join();
        all.clear();
      }
    }
    for (String serial : recorded) {
      ledger.outcome(Octets.unhex(serial).orElseThrow(), LedgerEntry.State.ISSUED);
    }
    return recorded;
  }

  private LedgerEntry find(String serial) throws Exception {
    return ledger.find(Octets.unhex(serial).orElseThrow()).orElseThrow();
  }

  private LedgerThinning thinning() {
    return ledger.thinning(SETTINGS, clock);
  }

  private List<String> listed(LedgerFilter filter) throws Exception {
    List<String> found = new ArrayList<>();
    Optional<String> before = Optional.empty();
    do {
      LedgerPage page = ledger.page(new LedgerQuery(filter, 100, before));
      page.items().forEach(entry -> found.add(entry.serial()));
      before = page.next();
    } while (before.isPresent());
    return found;
  }

  @Test
  void whatEndedLongAgoIsPackedAndStillFoundWordForWord() throws Exception {
    List<String> old = record(BLOCK, START.minus(WHOLE).minusSeconds(BLOCK + 1));
    List<String> living = record(20, START.plusSeconds(60));
    LedgerEntry before = find(old.get(7));

    thinning().packBlock();

    LedgerEntry after = find(old.get(7));
    assertThat(after.archived()).isTrue();
    assertThat(before.archived()).isFalse();
    assertThat(after).usingRecursiveComparison().ignoringFields("spkiSha256").isEqualTo(before);
    for (String serial : old) {
      assertThat(find(serial).archived()).isTrue();
    }
    for (String serial : living) {
      assertThat(find(serial).archived()).isFalse();
    }
    List<String> all = listed(LedgerFilter.ALL);
    assertThat(all.subList(0, living.size())).containsExactlyElementsOf(living.reversed());
    assertThat(all).hasSize(BLOCK + 20).containsAll(old);
  }

  @Test
  void everyFilterFindsWhatIsPackedToo() throws Exception {
    List<String> old = record(BLOCK * 2, START.minus(WHOLE).minusSeconds(BLOCK * 2 + 1));
    record(1, START.plusSeconds(60));
    assertThat(thinning().packBlock()).isTrue();
    String wanted = old.get(BLOCK / 2);
    LedgerFilter.Window always = LedgerFilter.Window.ALWAYS;
    LedgerFilter.Window issued =
        new LedgerFilter.Window(Optional.of(START.minusSeconds(1)), Optional.empty());
    LedgerFilter.Window ended =
        new LedgerFilter.Window(Optional.empty(), Optional.of(START.minusSeconds(1)));
    Optional<String> none = Optional.empty();
    for (LedgerFilter filter :
        List.of(
            new LedgerFilter(
                none, Optional.of(wanted), always, always, Optional.empty(), none, none),
            new LedgerFilter(Optional.of("m"), none, issued, ended, Optional.empty(), none, none),
            new LedgerFilter(
                none,
                none,
                always,
                ended,
                Optional.of(LedgerEntry.State.ISSUED),
                Optional.of("device-1"),
                Optional.of("server")))) {
      List<String> found = listed(filter);
      assertThat(found).doesNotHaveDuplicates().contains(wanted);
      assertThat(found).hasSize(filter.serial().isPresent() ? 1 : old.size());
    }
  }

  @Test
  void whatHasNotEndedLongAgoStays() throws Exception {
    record(BLOCK, START.minus(WHOLE).plusSeconds(1));
    record(1, START.plusSeconds(60));
    assertThat(thinning().packBlock()).isFalse();
    assertThat(listed(LedgerFilter.ALL)).hasSize(BLOCK + 1);
  }

  @Test
  void aClockInDoubtPacksNothingHoweverFarAheadItIs() throws Exception {
    List<String> living = record(BLOCK + 1, START.plusSeconds(60));
    clock.set(START.plus(Duration.ofDays(10_000)), false);
    assertThat(thinning().packBlock()).isFalse();
    assertThat(find(living.getFirst()).archived()).isFalse();
    clock.set(START.plus(Duration.ofDays(10_000)), true);
    assertThat(thinning().packBlock()).isTrue();
    assertThat(find(living.getFirst()).archived()).isTrue();
  }

  @Test
  void revokedOnesStayAsTheyAre() throws Exception {
    List<String> old = record(BLOCK + 1, START.minus(WHOLE).minusSeconds(2L * BLOCK));
    record(1, START.plusSeconds(60));
    peek(
        "INSERT INTO revocation(serial, authority, not_after, revoked, reason, administrator)"
            + " VALUES (x'"
            + old.getFirst().toUpperCase(Locale.ROOT)
            + "', 2, 1, 1, 0, 0)");
    assertThat(thinning().packBlock()).isTrue();
    assertThat(find(old.getFirst()).archived()).isFalse();
    assertThat(find(old.get(1)).archived()).isTrue();
  }

  @Test
  void theNewestStaysSoThatTheFileTellsHowLateItIs() throws Exception {
    List<String> old = record(BLOCK, START.minus(WHOLE).minusSeconds(2L * BLOCK));
    assertThat(thinning().packBlock()).isFalse();
    assertThat(listed(LedgerFilter.ALL)).hasSize(old.size());
    Instant newest = LedgerReader.newest(folder).orElseThrow();
    assertThat(newest).isEqualTo(START.plusMillis(BLOCK - 1));
  }

  @Test
  void aBlockThatIsRefusedLeavesAllItsEntriesWhereTheyAre() throws Exception {
    List<String> old = record(BLOCK, START.minus(WHOLE).minusSeconds(2L * BLOCK));
    record(1, START.plusSeconds(60));
    peek(
        "CREATE TRIGGER late BEFORE INSERT ON archive BEGIN"
            + " SELECT RAISE(ABORT, 'refused by the test'); END");
    assertThatThrownBy(() -> thinning().packBlock()).isInstanceOf(IssuanceException.class);
    assertThat(find(old.getFirst()).archived()).as("all or nothing").isFalse();
    peek("DROP TRIGGER late");
    assertThat(thinning().packBlock()).isTrue();
    assertThat(find(old.getFirst()).archived()).isTrue();
  }

  @Test
  void aFullDiskWhilePackingForgetsNothing() throws Exception {
    List<String> old = record(BLOCK, START.minus(WHOLE).minusSeconds(2L * BLOCK));
    record(1, START.plusSeconds(60));
    ledger.close();
    FullDisk disk = new FullDisk();
    ledger = Ledger.open(folder, disk);
    disk.takeNothing();
    Refusals.assertRefused(
        IssuanceException.Reason.LEDGER_UNAVAILABLE, () -> thinning().packBlock());
    for (String serial : old) {
      assertThat(find(serial).archived()).isFalse();
    }
    disk.free();
    assertThat(thinning().packBlock()).isTrue();
    assertThat(find(old.getFirst()).archived()).isTrue();
    assertThat(listed(LedgerFilter.ALL)).hasSize(BLOCK + 1);
  }

  @Test
  void aDamagedBlockIsToldAndTakesNothingElseAlong() throws Exception {
    List<String> old = record(BLOCK, START.minus(WHOLE).minusSeconds(2L * BLOCK));
    List<String> living = record(1, START.plusSeconds(60));
    thinning().packBlock();
    peek("UPDATE archive SET packed = x'0102030405'");
    assertThatThrownBy(() -> find(old.getFirst()))
        .isInstanceOf(IssuanceException.class)
        .hasRootCauseMessage("incorrect header check");
    assertThat(find(living.getFirst()).archived()).isFalse();
    record(1, START.plusSeconds(60));
  }

  @Test
  void anArchivedEntryTakesLessThanHalfOfTheRoom() throws Exception {
    int blocks = 20;
    reopen(LedgerBudget.of(LedgerSettings.STANDARD));
    long empty = ledger.status().octets();
    record(BLOCK * blocks + 1, START.minus(WHOLE).minusSeconds(2L * BLOCK * blocks));
    reopen(LedgerBudget.of(LedgerSettings.STANDARD));
    long before = ledger.status().octets();
    LedgerThinning thinning = thinning();
    while (thinning.packBlock()) {
      assertThat(thinning.archived()).isPositive();
    }
    reopen(LedgerBudget.of(LedgerSettings.STANDARD));
    assertThat(ledger.status().octets() - empty).isLessThan((before - empty) / 2);
    assertThat(listed(LedgerFilter.ALL)).hasSize(BLOCK * blocks + 1);
  }

  private static LedgerBudget small() {
    return new LedgerBudget(OptionalLong.of(22L << 20), 20L << 20, 512L << 10);
  }

  private boolean isRefused() {
    try {
      ledger.record(intent(nextSerial(), START.minus(Duration.ofDays(2)))).join();
      return false;
    } catch (CompletionException e) {
      assertThat(e)
          .cause()
          .isInstanceOfSatisfying(
              IssuanceException.class,
              refused ->
                  assertThat(refused.reason())
                      .isEqualTo(IssuanceException.Reason.LEDGER_UNAVAILABLE));
      return true;
    }
  }

  /** Returns how many were recorded at least. */
  private int fill() {
    int recorded = 0;
    try {
      while (!isRefused()) {
        recorded += 1 + record(200, START.minus(Duration.ofDays(2))).size();
        assertThat(recorded).isLessThan(20_000);
      }
    } catch (CompletionException e) {
      // The limit was reached among them.
      assertThat(e).hasCauseInstanceOf(IssuanceException.class);
    }
    return recorded;
  }

  private long filesOctets() throws Exception {
    long sum = 0;
    for (String name : List.of("ca.db", "ca.db-wal")) {
      sum += Files.exists(folder.resolve(name)) ? Files.size(folder.resolve(name)) : 0;
    }
    return sum;
  }

  @Test
  void atTheLimitNothingIsRecordedAndNothingIsForgottenAndTheFilesStayWithinIt() throws Exception {
    reopen(small());
    clock.set(START, false);
    int recorded = fill();
    assertThat(ledger.status().full()).isTrue();
    assertThat(filesOctets()).isLessThanOrEqualTo(22L << 20);
    assertThat(isRefused()).isTrue();
    assertThat(listed(LedgerFilter.ALL)).hasSizeGreaterThanOrEqualTo(recorded);

    // What else is recorded then: LedgerBudgetTest.
    ledger.reserve(
        new NewAuthority(
            AuthorityInfo.Role.DEVICE, "software", KeyType.EC_P256, AuthorityInfo.State.PREPARED),
        serials.next(START));

    // A raised limit, as after a change of the configuration and a restart.
    reopen(new LedgerBudget(OptionalLong.of(24L << 20), 20L << 20, 512L << 10));
    assertThat(isRefused()).isFalse();
  }

  @Test
  void nearTheLimitAllThatEndedIsPackedAndIssuingGoesOn() throws Exception {
    reopen(small());
    int recorded = fill();
    int known = listed(LedgerFilter.ALL).size();
    assertThat(known).isGreaterThanOrEqualTo(recorded);
    LedgerThinning thinning = thinning();
    while (thinning.packBlock()) {
      assertThat(filesOctets()).isLessThanOrEqualTo(22L << 20);
    }
    assertThat(ledger.status().full()).isFalse();
    assertThat(isRefused()).isFalse();
    assertThat(listed(LedgerFilter.ALL)).hasSize(known + 1);
  }

  @Test
  void onItsOwnThreadItMakesRoomWithoutBeingAsked() throws Exception {
    reopen(new LedgerBudget(OptionalLong.of(22L << 20), 20L << 20, 1L << 20));
    int recorded = fill();
    LedgerThinning begun = ledger.thin(SETTINGS, clock);
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while ((ledger.status().full() || begun.archived() == 0) && System.nanoTime() - end < 0) {
      Thread.onSpinWait();
    }
    assertThat(begun.archived()).isPositive();
    assertThat(isRefused()).isFalse();
    assertThat(listed(LedgerFilter.ALL)).hasSizeGreaterThan(recorded);
  }
}
