package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.clock.BelievedClockWithDoubt;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Blocks of token ids that ended long ago are packed, and forgotten no more than certificates. */
class TokenArchiveTest {
  private static final int MANY = TokenArchive.MOST_ROWS;
  private static final Instant START = LedgerRows.START;
  private static final Instant END = START.plus(Duration.ofDays(2));
  private static final LedgerSettings SETTINGS =
      new LedgerSettings(OptionalLong.empty(), Duration.ofDays(1));

  @TempDir Path folder;
  private final BelievedClockWithDoubt clock = new BelievedClockWithDoubt(START);
  private LedgerRows rows;

  @BeforeEach
  void reserveMany() throws Exception {
    rows = new LedgerRows(folder);
    rows.close();
    LedgerPeek.execute(
        folder,
        "INSERT INTO token_key(kid, spki, sealed, state, created)"
            + " VALUES ('k', x'', x'', 'active', 0)");
    rows.reopen(LedgerSchema::connect, LedgerBudget.of(LedgerSettings.STANDARD));
    List<CompletableFuture<?>> all = new ArrayList<>();
    for (int i = 0; i <= MANY; i++) {
      all.add(
          rows.ledger()
              .keys()
              .reserve(
                  new KeyLedger.Block(
                      new Blob(prefix(i)), 4096, "m", "1", "k", START, END.plusSeconds(i))));
    }
    CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0])).join();
  }

  @AfterEach
  void close() {
    rows.close();
  }

  private static byte[] prefix(int number) {
    return ByteBuffer.allocate(TokenIds.PREFIX).putInt(number).array();
  }

  private RevocationLedger revocations() throws Exception {
    return new RevocationLedger(rows.ledger().revocations());
  }

  private static String id(int number) {
    return Octets.hex(prefix(number)) + "000";
  }

  private LedgerThinning thinning() {
    return rows.ledger().thinning(SETTINGS, clock);
  }

  @Test
  void whatEndedLongAgoIsPackedIntoOneRowAndWhatNotStays() throws Exception {
    assertThat(thinning().packTokens()).as("they live").isFalse();
    clock.set(END.plus(Duration.ofDays(3)), false);
    assertThat(thinning().packTokens()).as("by a time in doubt").isFalse();
    clock.set(END.plus(Duration.ofDays(3)), true);
    assertThat(thinning().packTokens()).isTrue();
    assertThat(LedgerPeek.count(folder, "token_block")).isOne();
    assertThat(LedgerPeek.count(folder, "token_archive")).isOne();
    assertThat(thinning().packTokens()).as("too few for a row").isFalse();
    assertThat(revocations().knowsToken(id(0))).isFalse();
    assertThat(revocations().knowsToken(id(MANY))).isTrue();
  }

  @Test
  void whatAClockThatWasAheadHadPackedComesBackAndIsRevoked() throws Exception {
    clock.set(END.plus(Duration.ofDays(3)), true);
    assertThat(thinning().packTokens()).isTrue();
    clock.set(START, true);
    LedgerThinning begun = rows.ledger().thin(SETTINGS, clock);
    LedgerRows.await(() -> LedgerPeek.count(folder, "token_archive") == 0);
    begun.close();
    assertThat(LedgerPeek.count(folder, "token_block")).isEqualTo(MANY + 1);
    for (int i : new int[] {0, MANY / 2, MANY}) {
      assertThat(revocations().knowsToken(id(i))).isTrue();
    }
    assertThat(revocations().revokeTokens(List.of(id(7)), START, 0).join()).isOne();
  }

  @Test
  void onAFullDiskAllStaysAsItIs() throws Exception {
    ReadOnlyDisk disk = new ReadOnlyDisk();
    rows.reopen(disk, LedgerBudget.of(LedgerSettings.STANDARD));
    clock.set(END.plus(Duration.ofDays(3)), true);
    disk.refuse(true);
    Refusals.assertRefused(
        IssuanceException.Reason.LEDGER_UNAVAILABLE, () -> thinning().packTokens());
    assertThat(LedgerPeek.count(folder, "token_block")).isEqualTo(MANY + 1);
    disk.refuse(false);
    assertThat(thinning().packTokens()).isTrue();
  }

  @Test
  void packedRowsAreReadAsTheyWereAndDamagedOnesAreToldAsSuch() throws Exception {
    List<TokenArchive.Row> rows = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      rows.add(
          new TokenArchive.Row(0, new Blob(prefix(i)), 4096, i, "g\u00fc" + i, 1, i, 1L << 33));
    }
    byte[] packed = TokenArchive.packed(rows);
    assertThat(TokenArchive.unpacked(packed)).usingRecursiveComparison().isEqualTo(rows);
    assertThat(packed.length).isLessThan(50 * 30);
    Random random = new Random(7);
    for (int round = 0; round < 3000; round++) {
      byte[] damaged =
          round % 2 == 0 ? Arrays.copyOf(packed, random.nextInt(packed.length)) : packed.clone();
      if (round % 2 == 1) {
        damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      }
      assertThatThrownBy(
              () -> {
                // A bit of the header that says nothing may change.
                if (Arrays.equals(TokenArchive.packed(TokenArchive.unpacked(damaged)), packed)) {
                  throw new SQLException("the same");
                }
              })
          .isInstanceOf(SQLException.class);
    }
  }
}
