package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What waits in one lane is worked on together, and lanes don't wait for each other. */
@Timeout(60)
class LanesTest {
  private final ExecutorService threads = Executors.newFixedThreadPool(4);
  private final BlockingQueue<List<String>> done = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> rejected = new LinkedBlockingQueue<>();

  @AfterEach
  void stop() throws InterruptedException {
    threads.shutdownNow();
    assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void whatComesWhileAWorkerIsBusyIsTakenTogether() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    Lanes<String> lanes =
        new Lanes<>(
            new Workers(threads),
            things -> {
              begun.countDown();
              await(goOn);
              done.add(things);
            },
            (thing, failure) -> rejected.add(thing));
    lanes.add("one", "a");
    await(begun);
    lanes.add("one", "b");
    lanes.add("one", "c");
    goOn.countDown();
    assertThat(done.take()).containsExactly("a");
    assertThat(done.take()).containsExactly("b", "c");
  }

  @Test
  void aLaneWhoseWorkerHangsHoldsUpNoOther() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    Lanes<String> lanes =
        new Lanes<>(
            new Workers(threads),
            things -> {
              if (things.contains("hang")) {
                await(never);
              }
              done.add(things);
            },
            (thing, failure) -> rejected.add(thing));
    lanes.add("one", "hang");
    for (int i = 0; i < 50; i++) {
      lanes.add("one", "behind");
    }
    lanes.add("two", "free");
    assertThat(done.take()).as("fifty behind the hanging one took no worker").contains("free");
    never.countDown();
    assertThat(done.take()).startsWith("hang");
  }

  @Test
  void whatNoWorkerTakesIsTold() throws Exception {
    ExecutorService one =
        new ThreadPoolExecutor(1, 1, 0, TimeUnit.SECONDS, new SynchronousQueue<>());
    CountDownLatch goOn = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    one.execute(() -> {
      begun.countDown();
      await(goOn);
    });
    await(begun);
    Lanes<String> lanes =
        new Lanes<>(
            new Workers(one),
            done::add,
            (thing, failure) -> rejected.add(thing + " " + failure.code()));
    lanes.add("one", "a");
    assertThat(rejected.take()).isEqualTo("a too-many-requests");
    goOn.countDown();
    one.shutdown();
    assertThat(one.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    lanes.add("one", "b");
    assertThat(rejected.take()).isEqualTo("b stopping");
    assertThat(done).isEmpty();
  }

  @Test
  void anErrorLeavesTheLaneWithAWorker() throws Exception {
    // A thread tells of its end after another has taken its place: wait for it.
    BlockingQueue<Throwable> thrown = new LinkedBlockingQueue<>();
    ExecutorService quiet =
        Executors.newFixedThreadPool(
            1,
            work -> {
              Thread thread = new Thread(work);
              thread.setUncaughtExceptionHandler((_, e) -> thrown.add(e));
              return thread;
            });
    AtomicReference<Lanes<String>> self = new AtomicReference<>();
    Lanes<String> lanes =
        new Lanes<>(
            new Workers(quiet),
            things -> {
              if (things.contains("bad")) {
                self.get().add("one", "good");
                throw new AssertionError("bad");
              }
              done.add(things);
            },
            (thing, failure) -> rejected.add(thing));
    self.set(lanes);
    lanes.add("one", "bad");
    assertThat(done.take()).containsExactly("good");
    assertThat(thrown.take()).hasMessage("bad");
    quiet.shutdown();
  }

  @RepeatedTest(3)
  void underLoadEachThingIsDoneOnceInItsOrderByOneWorkerAtATime() throws Exception {
    int each = 5000;
    Map<String, AtomicInteger> inside = new ConcurrentHashMap<>();
    Map<String, List<Integer>> seen = new ConcurrentHashMap<>();
    Semaphore left = new Semaphore(0);
    AtomicInteger together = new AtomicInteger();
    record Thing(String lane, int number) {}
    Lanes<Thing> lanes =
        new Lanes<>(
            new Workers(threads),
            things -> {
              String lane = things.getFirst().lane();
              AtomicInteger here = inside.computeIfAbsent(lane, _ -> new AtomicInteger());
              if (here.incrementAndGet() > 1) {
                together.incrementAndGet();
              }
              List<Integer> order = seen.computeIfAbsent(lane, _ -> new ArrayList<>());
              things.forEach(thing -> order.add(thing.number()));
              here.decrementAndGet();
              left.release(things.size());
            },
            (thing, failure) -> rejected.add(thing.lane()));
    List<Thread> adders = new ArrayList<>();
    for (String lane : List.of("one", "two", "three")) {
      adders.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < each; i++) {
                  lanes.add(lane, new Thing(lane, i));
                }
              }));
    }
    left.acquire(3 * each);
    for (Thread adder : adders) {
      adder.join();
    }
    assertThat(together).hasValue(0);
    assertThat(rejected).isEmpty();
    assertThat(seen).hasSize(3);
    seen.values()
        .forEach(order ->
            assertThat(order).containsExactlyElementsOf(IntStream.range(0, each).boxed().toList()));
  }
}
