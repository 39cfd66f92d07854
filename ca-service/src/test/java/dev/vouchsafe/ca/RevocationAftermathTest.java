package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What follows a revocation happens also where nobody waits for it any more. */
class RevocationAftermathTest {
  private final RevocationAftermath aftermath = new RevocationAftermath(Duration.ofMillis(50));
  private final CountDownLatch taken = new CountDownLatch(1);

  @AfterEach
  void close() {
    aftermath.close();
  }

  @Test
  void aWriteThatIsDoneAfterItsCallerGaveUpIsActedUpon() throws Exception {
    CompletableFuture<Long> write = new CompletableFuture<>();
    assertThatThrownBy(() -> aftermath.await(write, taken::countDown))
        .isInstanceOfSatisfying(
            IssuanceException.class,
            e -> assertThat(e.reason()).isEqualTo(Reason.LEDGER_UNAVAILABLE));
    assertThat(taken.getCount()).isEqualTo(1);

    write.complete(1L);

    assertThat(taken.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void whoWaitsIsToldOfTheWriteAfterWhatFollowsIt() throws Exception {
    assertThat(aftermath.await(CompletableFuture.completedFuture(7L), taken::countDown))
        .isEqualTo(7);
    assertThat(taken.getCount()).isZero();
  }

  @Test
  void whatFollowsAFailureHappensToo() throws Exception {
    IssuanceException full = new IssuanceException(Reason.LEDGER_UNAVAILABLE, "full");
    assertThatThrownBy(
            () -> aftermath.await(CompletableFuture.failedFuture(full), taken::countDown))
        .isInstanceOf(IssuanceException.class)
        .hasMessageContaining("full");
    assertThat(taken.getCount()).isZero();
  }

  @Test
  void whereTheLedgerCantBeReadAfterwardsWhoeverWaitsIsTold() {
    assertThatThrownBy(() ->
            aftermath.await(
                CompletableFuture.completedFuture(7L),
                () -> {
                  throw new IssuanceException(Reason.LEDGER_UNAVAILABLE, "unreadable");
                }))
        .isInstanceOf(IssuanceException.class)
        .hasMessageContaining("unreadable");
  }
}
