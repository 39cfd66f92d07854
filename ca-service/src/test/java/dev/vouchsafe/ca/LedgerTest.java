package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ledger by itself: what it keeps, how it is read, and which files it refuses. */
class LedgerTest {
  @TempDir Path folder;
  private final Serials serials = new Serials();

  @BeforeEach
  void make() throws Exception {
    try (Ledger ledger = Ledger.create(folder)) {
      reserve(ledger, AuthorityInfo.Role.ROOT);
      AuthorityRow row = reserve(ledger, AuthorityInfo.Role.DEVICE);
      ledger.record(row, Optional.empty(), new byte[] {1}).redeem();
    }
  }

  private AuthorityRow reserve(Ledger ledger, AuthorityInfo.Role role) throws IssuanceException {
    NewAuthority wanted =
        new NewAuthority(role, "software", KeyType.EC_P256, AuthorityInfo.State.ACTIVE);
    return ledger.reserve(wanted, serials.next(TestCa.NOW));
  }

  private byte[] record(Ledger ledger, String module) {
    byte[] serial = serials.next(TestCa.NOW);
    ledger.record(intent(module, serial)).join();
    return serial;
  }

  private static LeafIntent intent(String module, byte[] serial) {
    Grant grant =
        new Grant(
            module,
            "7",
            Set.of(Profile.SERVER),
            List.of(),
            List.of(),
            Optional.empty(),
            Optional.empty(),
            List.of(),
            Optional.empty());
    LeafPlan plan =
        new LeafPlan(
            TestCa.leaf(Profile.SERVER),
            TestCa.subject("a.local"),
            List.of(
                new SanName.Dns("a.local"),
                new SanName.Uri("spiffe://gw.example/" + "m".repeat(40))),
            Instant.ofEpochSecond(1_800_000_000),
            Instant.ofEpochSecond(1_800_003_600),
            TestCa.NOW);
    return new LeafIntent(grant, plan, 2, serial, serial, new byte[32]);
  }

  private static LedgerQuery query(String module, int limit, Optional<String> before) {
    return new LedgerQuery(
        module.isEmpty() ? Optional.empty() : Optional.of(module), limit, before);
  }

  @Test
  void whatIsRecordedIsThereAfterReopeningWordForWord() throws Exception {
    byte[] serial;
    try (Ledger ledger = Ledger.open(folder)) {
      serial = record(ledger, "edge%Hub'; DROP TABLE certificate; --");
    }
    try (Ledger ledger = Ledger.open(folder)) {
      LedgerEntry entry = ledger.find(serial).orElseThrow();
      assertThat(entry.serial()).isEqualTo(Octets.hex(serial));
      assertThat(entry.module()).isEqualTo("edge%Hub'; DROP TABLE certificate; --");
      assertThat(entry.generation()).isEqualTo("7");
      assertThat(entry.profile()).isEqualTo("server");
      assertThat(entry.authority()).isEqualTo("device-1");
      assertThat(entry.names())
          .containsExactly("dns:a.local", "uri:spiffe://gw.example/" + "m".repeat(40));
      assertThat(entry.notBefore()).isEqualTo(Instant.ofEpochSecond(1_800_000_000));
      assertThat(entry.notAfter()).isEqualTo(Instant.ofEpochSecond(1_800_003_600));
      assertThat(entry.state()).isEqualTo(LedgerEntry.State.INTENDED);
      assertThat(entry.tbsSha256()).isEqualTo(Octets.hex(Octets.sha256(serial)));
    }
  }

  @Test
  void pagesComeNewestFirstAndMissOrRepeatNothing() throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      List<String> recorded = new ArrayList<>();
      for (int i = 0; i < 25; i++) {
        recorded.addFirst(Octets.hex(record(ledger, i % 5 == 0 ? "rare" : "often")));
      }
      for (String module : List.of("", "rare", "often", "unknown")) {
        List<String> read = new ArrayList<>();
        Optional<String> before = Optional.empty();
        do {
          LedgerPage page = ledger.page(query(module, 4, before));
          assertThat(page.items()).hasSizeLessThanOrEqualTo(4);
          page.items().forEach(entry -> read.add(entry.serial()));
          before = page.next();
        } while (before.isPresent());
        assertThat(read)
            .hasSize(
                switch (module) {
                  case "rare" -> 5;
                  case "often" -> 20;
                  case "unknown" -> 0;
                  default -> 25;
                })
            .isSubsetOf(recorded)
            .isSortedAccordingTo(
                (a, b) -> Integer.compare(recorded.indexOf(a), recorded.indexOf(b)));
      }
    }
  }

  @Test
  void aPageThatEndsWithTheLastEntryHasNoNext() throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      for (int i = 0; i < 4; i++) {
        record(ledger, "m");
      }
      assertThat(ledger.page(query("", 4, Optional.empty())).next()).isEmpty();
      assertThat(ledger.page(query("", 3, Optional.empty())).next()).isPresent();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "!", "' OR 1=1", "zzzzzzzzzzzzzzzzzzzz", "\0"})
  void aCursorThatWeDidNotGiveIsInvalid(String before) throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      Refusals.assertRefused(
          Reason.REQUEST_INVALID, () -> ledger.page(query("", 4, Optional.of(before))));
    }
  }

  @Test
  void anUnknownSerialIsNothing() throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      assertThat(ledger.find(serials.next(TestCa.NOW))).isEmpty();
      assertThat(ledger.find(new byte[0])).isEmpty();
    }
  }

  @Test
  void oneSerialIsNeverRecordedTwice() throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      byte[] serial = record(ledger, "m");
      CompletableFuture<?> again = ledger.record(intent("m", serial));
      assertThatThrownBy(again::join)
          .isInstanceOf(CompletionException.class)
          .cause()
          .isInstanceOfSatisfying(
              IssuanceException.class,
              e -> assertThat(e.reason()).isEqualTo(Reason.LEDGER_UNAVAILABLE));
      assertThat(ledger.find(record(ledger, "m"))).isPresent();
    }
  }

  @Test
  void anOutcomeIsSeenByWhoAsksAfterIt() throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      byte[] serial = record(ledger, "m");
      for (LedgerEntry.State state :
          List.of(LedgerEntry.State.ISSUED, LedgerEntry.State.WITHHELD, LedgerEntry.State.FAILED)) {
        ledger.outcome(serial, state);
        assertThat(ledger.find(serial).orElseThrow().state()).isEqualTo(state);
      }
    }
  }

  @Test
  void anOutcomeLeftAtTheEndIsWrittenAtTheEnd() throws Exception {
    byte[] serial;
    try (Ledger ledger = Ledger.open(folder)) {
      serial = record(ledger, "m");
      ledger.outcome(serial, LedgerEntry.State.ISSUED);
    }
    try (Ledger ledger = Ledger.open(folder)) {
      assertThat(ledger.find(serial).orElseThrow().state()).isEqualTo(LedgerEntry.State.ISSUED);
    }
  }

  @Test
  void outcomesOfAFailedGroupAreNotLost() throws Exception {
    FullDisk disk = new FullDisk();
    byte[] serial;
    try (Ledger ledger = Ledger.open(folder, disk)) {
      serial = record(ledger, "m");
      disk.fill();
      ledger.outcome(serial, LedgerEntry.State.ISSUED);
      CompletableFuture<?> refused = CompletableFuture.completedFuture("");
      while (!refused.isCompletedExceptionally()) {
        refused = ledger.record(intent("m", serials.next(TestCa.NOW)));
        refused.handle((done, failure) -> done).join();
      }
      disk.free();
      assertThat(ledger.find(serial).orElseThrow().state()).isEqualTo(LedgerEntry.State.ISSUED);
    }
  }

  @Test
  void afterTheEndNothingIsRecorded() throws Exception {
    Ledger ledger = Ledger.open(folder);
    ledger.close();
    CompletableFuture<?> late = ledger.record(intent("m", serials.next(TestCa.NOW)));
    assertThat(late.isCompletedExceptionally()).isTrue();
    ledger.outcome(new byte[16], LedgerEntry.State.ISSUED);
    ledger.close();
  }

  @Test
  void manyAtOnceShareCommits() throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      List<CompletableFuture<?>> all = new ArrayList<>();
      ledger.announce();
      for (int i = 0; i < 63; i++) {
        all.add(ledger.record(intent("m", serials.next(TestCa.NOW))));
      }
      ledger.retract();
      CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).join();
      assertThat(ledger.page(query("", 1000, Optional.empty())).items()).hasSize(63);
    }
  }

  @Test
  void oneThatIsAnnouncedAndNeverComesHoldsNobodyUp() throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      ledger.announce();
      assertThat(ledger.find(record(ledger, "m"))).isPresent();
    }
  }

  @Test
  void aRowTakesUnder350Octets() throws Exception {
    int count = 5000;
    try (Ledger ledger = Ledger.open(folder)) {
      List<CompletableFuture<?>> all = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        all.add(ledger.record(intent("module" + i % 20, serials.next(TestCa.NOW))));
        if (all.size() == 1000) {
          CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).join();
          all.clear();
        }
      }
      CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).join();
    }
    assertThat(Files.size(folder.resolve("ca.db")) / count).isLessThan(350);
  }

  @Test
  void aSecondOpeningIsRefusedAndTheFirstGoesOn() throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      for (int i = 0; i < 3; i++) {
        assertThatThrownBy(() -> Ledger.open(folder))
            .isInstanceOf(IOException.class)
            .hasMessageContaining("another process uses the CA");
      }
      assertThat(ledger.find(record(ledger, "m"))).isPresent();
    }
    Ledger.open(folder).close();
  }

  @Test
  void aSecondProcessIsRefused() throws Exception {
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                LedgerHolder.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (var out = other.inputReader()) {
      assertThat(out.readLine()).isEqualTo("held");
      assertThatThrownBy(() -> Ledger.open(folder))
          .hasMessageContaining("another process uses the CA");
      other.destroyForcibly().waitFor();
      Ledger.open(folder).close();
    } finally {
      other.destroyForcibly();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 98, 99})
  void anotherVersionIsNamedAndNotTouched(int version) throws Exception {
    LedgerPeek.execute(folder, "PRAGMA user_version = " + version);
    assertThatThrownBy(() -> Ledger.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(
            "is of version " + version + ", this program reads 1 to " + LedgerVersions.NEWEST);
    LedgerPeek.execute(folder, "PRAGMA user_version = " + LedgerVersions.NEWEST);
    Ledger.open(folder).close();
  }

  @Test
  void anotherProgramsDatabaseIsRefused() throws Exception {
    LedgerPeek.execute(folder, "PRAGMA application_id = 1");
    assertThatThrownBy(() -> Ledger.open(folder)).hasMessageContaining("not a database of this");
  }

  @Test
  void aFolderWithoutALedgerIsNamedAndLeftEmpty(@TempDir Path empty) throws Exception {
    assertThatThrownBy(() -> Ledger.open(empty)).hasMessageContaining("there is no CA in " + empty);
    assertThatThrownBy(() -> Ledger.open(empty.resolve("missing")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("there is no CA");
    try (var files = Files.list(empty)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void aFileThatIsNoDatabaseIsCalledDamaged() throws Exception {
    for (byte[] content :
        List.of(
            "not a database, but long enough to be read as one"
                .repeat(100)
                .getBytes(StandardCharsets.UTF_8),
            new byte[0],
            new byte[4096])) {
      Files.write(folder.resolve("ca.db"), content);
      Files.deleteIfExists(folder.resolve("ca.db-wal"));
      assertThatThrownBy(() -> Ledger.open(folder))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("ca.db");
    }
  }

  @Test
  void aDamagedPageIsFoundWhenTheLedgerIsOpened() throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      for (int i = 0; i < 200; i++) {
        record(ledger, "m");
      }
    }
    try (RandomAccessFile file = new RandomAccessFile(folder.resolve("ca.db").toFile(), "rw")) {
      for (long page = 1; page < file.length() / 4096; page++) {
        file.seek(page * 4096);
        file.write(new byte[64]);
      }
    }
    assertThatThrownBy(() -> Ledger.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("damaged");
  }

  @Test
  void aLedgerCutOffIsFoundOrReadsAsItWasNeverAsSomethingElse() throws Exception {
    try (Ledger ledger = Ledger.open(folder)) {
      for (int i = 0; i < 50; i++) {
        record(ledger, "m");
      }
    }
    byte[] whole = Files.readAllBytes(folder.resolve("ca.db"));
    for (int length = whole.length - 4096; length > 0; length -= 4096) {
      Files.write(folder.resolve("ca.db"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> Ledger.open(folder)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void aFolderThatCannotBeWrittenIsNamed() throws Exception {
    Path file = folder.resolve("file");
    Files.writeString(file, "in the way");
    assertThatThrownBy(() -> Ledger.create(file.resolve("ca"))).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> Ledger.create(Path.of("/proc/vouchsafe")))
        .isInstanceOf(IOException.class);
  }

  @Test
  void aPathThatTheDriverWouldMisreadIsRefused() throws Exception {
    Path odd = folder.resolve("a?cache=shared");
    Files.createDirectory(odd);
    assertThatThrownBy(() -> Ledger.create(odd))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("'?'");
  }

  @Test
  void aTriggerThatRefusesOneRowRefusesItsWholeGroupAndNothingElse()
      throws SQLException, Exception {
    LedgerPeek.execute(
        folder,
        "CREATE TRIGGER refuse BEFORE INSERT ON certificate WHEN NEW.generation = '7'"
            + " BEGIN SELECT RAISE(ABORT, 'refused by the test'); END");
    try (Ledger ledger = Ledger.open(folder)) {
      CompletableFuture<?> refused = ledger.record(intent("m", serials.next(TestCa.NOW)));
      assertThatThrownBy(refused::join).hasCauseInstanceOf(IssuanceException.class);
      assertThat(ledger.page(query("", 10, Optional.empty())).items()).isEmpty();
      LedgerPeek.execute(folder, "PRAGMA user_version");
    }
  }
}
