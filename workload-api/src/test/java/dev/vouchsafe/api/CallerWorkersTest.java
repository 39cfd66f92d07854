package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Work that hangs in something of its user's own. */
class CallerWorkersTest {
  private static final int SHARE = 4;

  private final AtomicLong nanos = new AtomicLong();
  private final AtomicInteger heldUp = new AtomicInteger();

  /** As many as the test wants: how threads are replaced is the pool's affair. */
  private final ExecutorService threads = Executors.newCachedThreadPool();

  private final CallerWorkers workers =
      new CallerWorkers(new Workers(threads), heldUp::set, nanos::get);
  private final List<Hanging> all = new CopyOnWriteArrayList<>();

  @AfterEach
  void end() throws InterruptedException {
    all.forEach(each -> each.goOn.countDown());
    threads.shutdown();
    assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
  }

  /** Work that ends when the test says so. */
  private static final class Hanging implements CallerWorkers.Work {
    final CountDownLatch begun = new CountDownLatch(1);
    final CountDownLatch goOn = new CountDownLatch(1);
    final CountDownLatch ended = new CountDownLatch(1);
    final AtomicInteger slow = new AtomicInteger();
    final List<String> givenUp = new CopyOnWriteArrayList<>();

    @Override
    public void run() {
      begun.countDown();
      await(goOn);
      ended.countDown();
    }

    @Override
    public void slow() {
      slow.incrementAndGet();
    }

    @Override
    public void givenUp(Failure why) {
      givenUp.add(why.code());
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Hanging submit(Object user) throws Failure {
    Hanging work = new Hanging();
    all.add(work);
    workers.execute(user, work);
    return work;
  }

  /** Works that are under way. */
  private List<Hanging> hang(Object user, int count) throws Failure {
    List<Hanging> works = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Hanging work = submit(user);
      await(work.begun);
      works.add(work);
    }
    return works;
  }

  private void after(long millis) {
    nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(millis));
    workers.look();
  }

  @Test
  void whatTakesLongIsReplacedAndItsTurnGivenUp() throws Exception {
    Hanging work = hang("a", 1).getFirst();
    after(99);
    assertThat(heldUp).hasValue(0);
    assertThat(work.slow).hasValue(0);
    after(1);
    assertThat(heldUp).hasValue(1);
    assertThat(work.slow).hasValue(1);
    after(100);
    assertThat(work.slow).hasValue(1);
    work.goOn.countDown();
    Wait.until("no thread is held up", () -> heldUp.get() == 0);
    assertThat(work.givenUp).isEmpty();
  }

  @Test
  void moreThanAShareOfOneUserIsHeldAndTakesNoThreadWhileOthersGoOn() throws Exception {
    List<Hanging> slow = hang("a", SHARE);
    after(100);
    Hanging held = submit("a");
    Wait.until("it is held", () -> held.slow.get() == 1);
    Hanging other = hang("b", 1).getFirst();
    assertThat(held.begun.getCount()).isOne();
    assertThat(heldUp).hasValue(SHARE);
    slow.getFirst().goOn.countDown();
    await(held.begun);
    assertThat(other.givenUp).isEmpty();
  }

  @Test
  void whatHangsIsGivenUpWithAllThatWaitsForItAndIsNotRunAfterThat() throws Exception {
    List<Hanging> slow = hang("a", SHARE);
    after(100);
    Hanging held = submit("a");
    Wait.until("it is held", () -> held.slow.get() == 1);
    after(4800);
    assertThat(held.givenUp).isEmpty();
    after(100);
    assertThat(slow).allSatisfy(each -> assertThat(each.givenUp).hasSize(1));
    assertThat(held.givenUp).containsExactly("attestation-unavailable");
    Hanging late = submit("a");
    Wait.until("it is given up", () -> !late.givenUp.isEmpty());
    hang("b", 1);
    slow.forEach(each -> each.goOn.countDown());
    Wait.until("no thread is held up", () -> heldUp.get() == 0);
    hang("a", 1);
    assertThat(held.begun.getCount()).isOne();
    assertThat(late.begun.getCount()).isOne();
    after(100_000);
    assertThat(slow).allSatisfy(each -> assertThat(each.givenUp).hasSize(1));
  }

  @Test
  void allThatIsHeldGoesOnOnceItsUserHasNothingSlow() throws Exception {
    List<Hanging> slow = hang("a", SHARE);
    after(100);
    List<Hanging> held = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Hanging one = submit("a");
      Wait.until("it is held", () -> one.slow.get() == 1);
      held.add(one);
    }
    slow.forEach(each -> each.goOn.countDown());
    for (Hanging one : held) {
      one.goOn.countDown();
      await(one.ended);
    }
    Wait.until("no thread is held up", () -> heldUp.get() == 0);
    assertThat(held).allSatisfy(each -> assertThat(each.givenUp).isEmpty());
  }

  @Test
  void manyUsersThatHangLeaveAShareForMore() throws Exception {
    for (int user = 0; user < CallerWorkers.MOST_SLOW / 2 / SHARE; user++) {
      hang("user " + user, SHARE);
    }
    after(100);
    assertThat(heldUp).hasValue(CallerWorkers.MOST_SLOW / 2);
    hang("another", 1);
    after(100);
    Hanging second = submit("another");
    Wait.until("it is held", () -> second.slow.get() == 1);
    hang("one more", 1);
  }

  @Test
  void whatNoThreadTakesIsTold() {
    threads.shutdown();
    assertThatThrownBy(() -> submit("a"))
        .isInstanceOfSatisfying(
            Failure.class, failure -> assertThat(failure.code()).isEqualTo("stopping"));
  }

  @Test
  void anErrorEndsTheWorkAsARefusalWould() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    ExecutorService quiet =
        Executors.newSingleThreadExecutor(
            Thread.ofPlatform().uncaughtExceptionHandler((thread, error) -> {}).factory());
    CallerWorkers some = new CallerWorkers(new Workers(quiet), heldUp::set, nanos::get);
    some.execute(
        "a",
        new CallerWorkers.Work() {
          @Override
          public void run() {
            begun.countDown();
            await(goOn);
            throw new IllegalStateException("as the test wants");
          }

          @Override
          public void givenUp(Failure why) {
            throw new AssertionError(why);
          }
        });
    await(begun);
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(1));
    some.look();
    assertThat(heldUp).hasValue(1);
    goOn.countDown();
    Wait.until("no thread is held up", () -> heldUp.get() == 0);
    quiet.shutdown();
  }

  /** Threads as the service has them: so many, and one more for each that is held up. */
  private static ThreadPoolExecutor pool(int threads) {
    return new ThreadPoolExecutor(
        threads, threads, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>());
  }

  private Hanging submit(CallerWorkers to, Object user) throws Failure {
    Hanging work = new Hanging();
    all.add(work);
    to.execute(user, work);
    return work;
  }

  private void end(ThreadPoolExecutor pool) throws Exception {
    all.forEach(work -> work.goOn.countDown());
    all.forEach(work -> await(work.ended));
    pool.shutdown();
    assertThat(pool.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void whoeverHasFewestUnderWayComesFirstHoweverManyAnotherHasInLine() throws Exception {
    ThreadPoolExecutor pool = pool(2);
    CallerWorkers two = new CallerWorkers(new Workers(pool), heldUp::set, nanos::get);
    List<Hanging> first = List.of(submit(two, "a"), submit(two, "a"));
    for (Hanging work : first) {
      await(work.begun);
    }
    List<Hanging> flood = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      flood.add(submit(two, "a"));
    }
    Hanging other = submit(two, "b");
    Hanging third = submit(two, "c");
    first.getFirst().goOn.countDown();
    await(other.begun);
    assertThat(flood).allMatch(work -> work.begun.getCount() == 1);
    other.goOn.countDown();
    await(third.begun);
    assertThat(flood).allMatch(work -> work.begun.getCount() == 1);
    end(pool);
  }

  @Test
  void aUserHasAllThreadsWhileNobodyElseWaitsAndNoneOfHisIsTakenForSlow() throws Exception {
    ThreadPoolExecutor pool = pool(4);
    CallerWorkers four = new CallerWorkers(new Workers(pool), heldUp::set, nanos::get);
    List<Hanging> works = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      works.add(submit(four, "a"));
    }
    for (int i = 0; i < 4; i++) {
      await(works.get(i).begun);
    }
    nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(99));
    four.look();
    assertThat(heldUp).hasValue(0);
    end(pool);
    assertThat(works).allMatch(work -> work.ended.getCount() == 0 && work.slow.get() == 0);
  }

  /** He slows his own looks down to just under what is slow. */
  @Test
  void looksThatAreNotQuiteSlowMakeRoomForAnotherUserWhoWaits() throws Exception {
    ThreadPoolExecutor pool = pool(4);
    CallerWorkers four =
        new CallerWorkers(
            new Workers(pool),
            count -> {
              heldUp.set(count);
              pool.setMaximumPoolSize(8);
              pool.setCorePoolSize(4 + count);
            },
            nanos::get);
    List<Hanging> works = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      works.add(submit(four, "a"));
    }
    for (int i = 0; i < 4; i++) {
      await(works.get(i).begun);
    }
    Hanging other = submit(four, "b");
    four.look();
    assertThat(heldUp).hasValue(0);
    nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(20));
    four.look();
    await(other.begun);
    assertThat(heldUp)
        .as("as many as it took")
        .satisfies(held -> assertThat(held.get()).isBetween(1, 4));
    assertThat(works.stream().filter(work -> work.slow.get() == 1).count()).isPositive();
    end(pool);
    assertThat(works)
        .as("all of his are done in the end")
        .allMatch(work -> work.ended.getCount() == 0 && work.givenUp.isEmpty());
  }

  @Test
  void allThatIsLinedUpByManyIsDoneOnceEach() throws Exception {
    ThreadPoolExecutor pool = pool(3);
    CallerWorkers three = new CallerWorkers(new Workers(pool), heldUp::set, nanos::get);
    int each = 2000;
    AtomicInteger done = new AtomicInteger();
    List<Thread> users = new ArrayList<>();
    for (int user = 0; user < 4; user++) {
      Object name = "user " + user;
      users.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < each; i++) {
                  try {
                    three.execute(
                        name,
                        new CallerWorkers.Work() {
                          @Override
                          public void run() {
                            done.incrementAndGet();
                          }

                          @Override
                          public void givenUp(Failure why) {
                            throw new AssertionError(why);
                          }
                        });
                  } catch (Failure e) {
                    throw new AssertionError(e);
                  }
                }
              }));
    }
    for (Thread user : users) {
      user.join();
    }
    end(pool);
    assertThat(done).hasValue(4 * each);
  }
}
