package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whoever waits too long is told so, also after others were, and after a pause. */
@Timeout(60)
class OverdueTest {
  private final Overdue overdue = new Overdue(Duration.ofMillis(50));

  private static void assertOverdue(CompletableFuture<?> future) {
    assertThatThrownBy(() -> future.get(30, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(TimeoutException.class);
  }

  @Test
  void whatTakesTooLongEndsAndWhatIsDoneStays() throws Exception {
    CompletableFuture<String> done = overdue.end(new CompletableFuture<>());
    CompletableFuture<String> late = overdue.end(new CompletableFuture<>());
    CompletableFuture<String> before = overdue.end(CompletableFuture.completedFuture("before"));
    done.complete("done");
    assertOverdue(late);
    assertThat(done.get()).isEqualTo("done");
    assertThat(before.get()).isEqualTo("before");
  }

  @Test
  void itLooksAgainAfterThereWasNothingToLookAt() {
    for (int round = 0; round < 3; round++) {
      assertOverdue(overdue.end(new CompletableFuture<>()));
    }
  }

  @Test
  void aLookThatCouldNotBeCalledOnceIsCalledTheNextTime() {
    AtomicBoolean broken = new AtomicBoolean(true);
    List<Runnable> looks = new ArrayList<>();
    Overdue some =
        new Overdue(
            Duration.ZERO,
            look -> {
              if (broken.get()) {
                throw new RejectedExecutionException("no thread");
              }
              looks.add(look);
            });
    CompletableFuture<String> first = new CompletableFuture<>();
    assertThatThrownBy(() -> some.end(first)).isInstanceOf(RejectedExecutionException.class);
    broken.set(false);
    CompletableFuture<String> second = some.end(new CompletableFuture<>());
    looks.removeFirst().run();
    assertOverdue(first);
    assertOverdue(second);
    assertThat(looks).isEmpty();
  }

  @Test
  void ofThousandsFromSeveralThreadsEachOneEnds() throws Exception {
    int each = 2000;
    List<CompletableFuture<Integer>> all = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      List<CompletableFuture<Integer>> own = new ArrayList<>();
      for (int k = 0; k < each; k++) {
        own.add(new CompletableFuture<>());
      }
      all.addAll(own);
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int k = 0; k < each; k++) {
                  CompletableFuture<Integer> future = overdue.end(own.get(k));
                  if (k % 3 == 0) {
                    future.complete(k);
                  }
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (int i = 0; i < all.size(); i++) {
      if (i % each % 3 == 0) {
        assertThat(all.get(i).get()).isEqualTo(i % each);
      } else {
        assertOverdue(all.get(i));
      }
    }
  }
}
