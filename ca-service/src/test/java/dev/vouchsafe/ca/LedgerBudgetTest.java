package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.RevocationOrder.Target;
import dev.vouchsafe.ca.clock.BelievedClockWithDoubt;
import dev.vouchsafe.keys.KeyType;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** At the ledger's limit nothing is issued, and all else goes on, however much of it there is. */
class LedgerBudgetTest {
  private static final long MIB = 1L << 20;
  private static final Instant START = LedgerRows.START;
  private static final Instant LIVING = START.plus(Duration.ofDays(1));
  private static final Instant ENDED = START.minus(Duration.ofDays(2));
  private static final LedgerSettings SETTINGS =
      new LedgerSettings(OptionalLong.empty(), Duration.ofDays(30));

  @TempDir Path folder;
  private final BelievedClockWithDoubt clock = new BelievedClockWithDoubt(START);
  private LedgerRows rows;

  @BeforeEach
  void make() throws Exception {
    rows = new LedgerRows(folder);
  }

  @AfterEach
  void close() {
    rows.close();
  }

  /** Returns how many were recorded at least. */
  private int fill(Instant end) throws IssuanceException {
    int recorded = 0;
    try {
      while (!rows.isRefused("m", end)) {
        recorded += 1 + rows.record("m", 200, end).size();
        assertThat(recorded).isLessThan(40_000);
      }
    } catch (CompletionException e) {
      // The limit was reached among them.
      assertThat(e).hasCauseInstanceOf(IssuanceException.class);
    }
    return recorded;
  }

  @Test
  void atTheLimitEveryCertificateThatLivesIsRevokedAndTheServiceGetsItsOwn() throws Exception {
    rows.reopen(24 * MIB, 20 * MIB, 256 << 10);
    int recorded = fill(LIVING);
    assertThat(rows.ledger().status().full()).isTrue();
    RevocationLedger revocations = new RevocationLedger(rows.ledger().revocations());
    long fresh =
        revocations
            .revoke(
                new Target.Module("m", Optional.empty(), Optional.of("1")),
                Set.of("1"),
                Revoking.module("m", "1"),
                START,
                START)
            .join();
    assertThat(fresh).isGreaterThanOrEqualTo(recorded);
    assertThat(rows.isRefused("m", LIVING)).isTrue();
    assertThat(rows.isRefused("vouchsafe/https", LIVING)).isFalse();
    AuthorityRow _ =
        rows.ledger()
            .reserve(
                new NewAuthority(
                    AuthorityInfo.Role.DEVICE,
                    "software",
                    KeyType.EC_P256,
                    AuthorityInfo.State.PREPARED),
                rows.nextSerial());
    assertThat(rows.filesOctets()).isLessThanOrEqualTo(24 * MIB);
  }

  @Test
  void atTheLimitNoBlockOfTokenIdsTakesTheRoomOfRevocations() throws Exception {
    rows.reopen(24 * MIB, 20 * MIB, 256 << 10);
    int _ = fill(LIVING);
    KeyLedger.Block block =
        new KeyLedger.Block(new Blob(new byte[12]), 4096, "m", "1", "kid", START, LIVING);
    assertThatThrownBy(() -> rows.ledger().keys().reserve(block).join())
        .hasCauseInstanceOf(IssuanceException.class)
        .hasMessageContaining("ledger-mb");
  }

  @Test
  void afterARestartWhatLivedBeforeIsKeptRoomForAsWell() throws Exception {
    rows.reopen(24 * MIB, 20 * MIB, 256 << 10);
    int _ = fill(LIVING);
    // As after a change of the configuration: a little more than is taken.
    rows.reopen(25 * MIB, 20 * MIB, 256 << 10);
    LedgerThinning begun = rows.ledger().thin(SETTINGS, clock);
    LedgerRows.await(() -> {
      boolean _ = rows.isRefused("m", LIVING);
      return rows.ledger().status().full();
    });
    RevocationLedger revocations = new RevocationLedger(rows.ledger().revocations());
    assertThat(
            revocations
                .revoke(
                    new Target.Module("m", Optional.empty(), Optional.of("1")),
                    Set.of("1"),
                    Revoking.module("m", "1"),
                    START,
                    START)
                .join())
        .isPositive();
    begun.close();
  }

  @Test
  void whoeverTurnsItFullWakesTheThreadThatMakesRoom() throws Exception {
    rows.reopen(22 * MIB, 20 * MIB, 256 << 10);
    LedgerThinning begun = rows.ledger().thin(SETTINGS, clock);
    int _ = fill(ENDED);
    // It looks once a minute by itself.
    LedgerRows.await(() -> !rows.isRefused("m", ENDED));
    assertThat(begun.archived()).isPositive();
    begun.close();
  }

  @Test
  void aReaderOfLongStopsNobodyWhileThereIsRoomAndHoldsNobodyUpWhenItEnds() throws Exception {
    rows.reopen(28 * MIB, 2 * MIB, 256 << 10);
    LedgerThinning begun = rows.ledger().thin(SETTINGS, clock);
    try (Connection reader = LedgerPeek.connect(folder)) {
      reader.setAutoCommit(false);
      try (Statement statement = reader.createStatement();
          ResultSet held = statement.executeQuery("SELECT id FROM authority")) {
        assertThat(held.next()).isTrue();
        while (rows.logOctets() < 8 * MIB) {
          assertThat(rows.record("m", 100, LIVING)).hasSize(100);
        }
        int most = 40_000;
        while (!rows.isRefused("m", LIVING)) {
          assertThat(most--).isPositive();
        }
        assertThat(rows.ledger().status().full()).isTrue();
        assertThat(rows.filesOctets()).isLessThan(29 * MIB);
      }
      reader.rollback();
    }
    LedgerRows.await(() -> !rows.isRefused("m", LIVING));
    assertThat(rows.logOctets()).isLessThan(8 * MIB);
    begun.close();
  }
}
