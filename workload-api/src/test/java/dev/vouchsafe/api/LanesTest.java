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
import java.util.concurrent.atomic.AtomicLong;
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
  private final BlockingQueue<String> late = new LinkedBlockingQueue<>();

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

  private static CallerWorkers callerWorkers(ExecutorService threads) {
    return new CallerWorkers(new Workers(threads), heldUp -> {}, System::nanoTime);
  }

  @Test
  void whatComesWhileAWorkerIsBusyIsTakenTogether() throws Exception {
    CountDownLatch goOn = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    Lanes<String> lanes =
        new Lanes<>(
            callerWorkers(threads),
            things -> {
              begun.countDown();
              await(goOn);
              done.add(things);
            },
            late::add,
            (thing, failure) -> rejected.add(thing));
    lanes.add("somebody", "one", "a");
    await(begun);
    lanes.add("somebody", "one", "b");
    lanes.add("somebody", "one", "c");
    goOn.countDown();
    assertThat(done.take()).containsExactly("a");
    assertThat(done.take()).containsExactly("b", "c");
  }

  @Test
  void aLaneWhoseWorkerHangsHoldsUpNoOther() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    Lanes<String> lanes =
        new Lanes<>(
            callerWorkers(threads),
            things -> {
              if (things.contains("hang")) {
                await(never);
              }
              done.add(things);
            },
            late::add,
            (thing, failure) -> rejected.add(thing));
    lanes.add("somebody", "one", "hang");
    for (int i = 0; i < 50; i++) {
      lanes.add("somebody", "one", "behind");
    }
    lanes.add("somebody", "two", "free");
    assertThat(done.take()).as("fifty behind the hanging one took no worker").contains("free");
    never.countDown();
    assertThat(done.take()).startsWith("hang");
  }

  @Test
  void whatIsInAHungLaneIsGivenUpAndWhatComesAfterThatGetsAnotherWorker() throws Exception {
    AtomicLong nanos = new AtomicLong();
    CallerWorkers watched = new CallerWorkers(new Workers(threads), heldUp -> {}, nanos::get);
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Lanes<String> lanes =
        new Lanes<>(
            watched,
            things -> {
              if (things.contains("hang")) {
                begun.countDown();
                await(goOn);
              }
              done.add(things);
            },
            late::add,
            (thing, failure) -> rejected.add(thing + " " + failure.code()));
    lanes.add("somebody", "one", "hang");
    await(begun);
    lanes.add("somebody", "one", "behind");
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
    watched.look();
    assertThat(List.of(late.take(), late.take())).containsExactly("hang", "behind");
    lanes.add("somebody", "one", "last");
    assertThat(late.take()).isEqualTo("last");
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(10));
    watched.look();
    assertThat(List.of(rejected.take(), rejected.take(), rejected.take()))
        .containsExactly(
            "hang attestation-unavailable",
            "behind attestation-unavailable",
            "last attestation-unavailable");
    lanes.add("somebody", "one", "new");
    assertThat(done.take()).containsExactly("new");
    goOn.countDown();
    assertThat(done.take()).containsExactly("hang");
    lanes.add("somebody", "one", "newer");
    assertThat(done.take()).containsExactly("newer");
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
            callerWorkers(one),
            done::add,
            late::add,
            (thing, failure) -> rejected.add(thing + " " + failure.code()));
    lanes.add("somebody", "one", "a");
    assertThat(rejected.take()).isEqualTo("a too-many-requests");
    goOn.countDown();
    one.shutdown();
    assertThat(one.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
    lanes.add("somebody", "one", "b");
    assertThat(rejected.take()).isEqualTo("b stopping");
    assertThat(done).isEmpty();
  }

  /** The worker takes it out of the queue just when it is given up. */
  @RepeatedTest(200)
  void whatIsOnItsWayFromTheQueueToTheWorkerIsGivenUpAsWell() throws Exception {
    AtomicLong nanos = new AtomicLong();
    CallerWorkers watched = new CallerWorkers(new Workers(threads), heldUp -> {}, nanos::get);
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Lanes<String> lanes =
        new Lanes<>(
            watched,
            things -> {
              begun.countDown();
              await(things.contains("first") ? goOn : end);
            },
            late::add,
            (thing, failure) -> rejected.add(thing));
    lanes.add("somebody", "one", "first");
    await(begun);
    lanes.add("somebody", "one", "second");
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(5));
    goOn.countDown();
    watched.look();
    assertThat(late).contains("second");
    assertThat(rejected).contains("second");
    end.countDown();
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
            callerWorkers(quiet),
            things -> {
              if (things.contains("bad")) {
                self.get().add("somebody", "one", "good");
                throw new AssertionError("bad");
              }
              done.add(things);
            },
            late::add,
            (thing, failure) -> rejected.add(thing));
    self.set(lanes);
    lanes.add("somebody", "one", "bad");
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
            callerWorkers(threads),
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
            thing -> {},
            (thing, failure) -> rejected.add(thing.lane()));
    List<Thread> adders = new ArrayList<>();
    for (String lane : List.of("one", "two", "three")) {
      adders.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < each; i++) {
                  lanes.add("somebody", lane, new Thing(lane, i));
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
