package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.RevocationOrder.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A module with very many certificates is revoked in many writes, and denied in the first. */
class ModuleRevocationTest {
  private static final int MANY = 2 * RevocationLedger.A_WRITE + 100;
  private static final Instant START = LedgerRows.START;
  private static final Instant LIVING = START.plus(Duration.ofDays(1));
  private static final Target.Module MODULE =
      new Target.Module("m", Optional.empty(), Optional.of("1"));

  @TempDir Path folder;
  private LedgerRows rows;

  @BeforeEach
  void record() throws Exception {
    rows = new LedgerRows(folder);
    List<String> _ = rows.record("m", 50, START.minus(Duration.ofDays(2)));
    List<String> _ = rows.record("m", MANY, LIVING);
    List<String> _ = rows.record("other", 10, LIVING);
  }

  @AfterEach
  void close() {
    rows.close();
  }

  private CompletableFuture<Long> revoke() throws Exception {
    return new RevocationLedger(rows.ledger().revocations())
        .revoke(MODULE, Set.of("1"), Revoking.module("m", "1"), START, START);
  }

  @Test
  void allThatLiveAreRevokedAndNothingElse() throws Exception {
    assertThat(revoke().join()).isEqualTo(MANY);
    assertThat(LedgerPeek.count(folder, "revocation")).isEqualTo(MANY);
    assertThat(LedgerPeek.count(folder, "denied_module")).isOne();
    assertThat(revoke().join()).as("again").isZero();
  }

  @Test
  void othersAreRecordedBetweenItsWrites() throws Exception {
    StalledDisk disk = new StalledDisk();
    rows.reopen(disk, LedgerBudget.of(LedgerSettings.STANDARD));
    disk.stall();
    CompletableFuture<Long> revoked = revoke();
    disk.awaitCommit();
    CompletableFuture<?> other =
        rows.ledger().record(rows.intent("other", rows.nextSerial(), "a.local", LIVING));
    CompletableFuture<Integer> then =
        other.thenApply(done -> {
          try {
            return LedgerPeek.count(folder, "revocation");
          } catch (java.sql.SQLException e) {
            throw new CompletionException(e);
          }
        });
    disk.release();
    assertThat(then.join()).isLessThan(MANY);
    assertThat(revoked.join()).isEqualTo(MANY);
  }

  @Test
  void cutOffAfterAnyWriteItIsDeniedAndTheNextGoesOn() throws Exception {
    DyingDisk disk = new DyingDisk();
    rows.reopen(disk, LedgerBudget.of(LedgerSettings.STANDARD));
    CompletableFuture<Long> first;
    disk.arm(2, true);
    first = revoke();
    assertThatThrownBy(first::join).hasCauseInstanceOf(IssuanceException.class);
    rows.reopen(LedgerSchema::connect, LedgerBudget.of(LedgerSettings.STANDARD));
    assertThat(LedgerPeek.count(folder, "denied_module")).isOne();
    int done = LedgerPeek.count(folder, "revocation");
    assertThat(done).isBetween(1, MANY - 1);
    assertThat(revoke().join()).isEqualTo(MANY - done);
  }
}
