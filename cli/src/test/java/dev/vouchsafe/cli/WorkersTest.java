package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.api.ApiSettings;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The threads that requests are worked on. */
class WorkersTest {
  private final Workers workers = Workers.start(new ApiSettings.Limits(10, 10, 10));
  private final int threads = workers.getCorePoolSize();
  private final CountDownLatch held = new CountDownLatch(1);

  @AfterEach
  void stop() {
    held.countDown();
    workers.stop();
    assertThat(workers.isTerminated()).isTrue();
  }

  private void hold(CountDownLatch begun) {
    workers.execute(() -> {
      begun.countDown();
      await(held);
    });
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void whenAllThreadsAreHeldUpOthersDoWhatWaits() throws Exception {
    CountDownLatch begun = new CountDownLatch(threads);
    for (int i = 0; i < threads; i++) {
      hold(begun);
    }
    await(begun);
    CountDownLatch done = new CountDownLatch(1);
    workers.execute(done::countDown);
    assertThat(done.getCount()).isOne();
    workers.replace(threads);
    await(done);
    assertThat(workers.getLargestPoolSize()).isLessThanOrEqualTo(2 * threads);
    held.countDown();
    workers.replace(0);
    while (workers.getPoolSize() > threads) {
      Thread.onSpinWait();
    }
    CountDownLatch after = new CountDownLatch(1);
    workers.execute(after::countDown);
    await(after);
  }
}
