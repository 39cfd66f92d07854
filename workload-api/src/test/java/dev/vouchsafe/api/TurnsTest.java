package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nobody waits while there is room, and nobody waits behind another user's flood. */
@Timeout(60)
class TurnsTest {
  private final List<String> begun = Collections.synchronizedList(new ArrayList<>());
  private final AtomicLong nanos = new AtomicLong();

  /** Who rests, and for how long. */
  private final List<Runnable> rests = new ArrayList<>();

  private final List<Long> restNanos = new ArrayList<>();

  private Turns inCompany(int most, int inCompany) {
    return new Turns(
        most,
        inCompany,
        nanos::get,
        (rest, task) -> {
          restNanos.add(rest);
          rests.add(task);
        });
  }

  private void endRests() {
    List<Runnable> ended = List.copyOf(rests);
    rests.clear();
    ended.forEach(Runnable::run);
  }

  private Turns.Ticket enter(Turns turns, Object user, Object group, String name) {
    Turns.Ticket ticket = turns.ticket(user, group);
    ticket.enter(() -> begun.add(name));
    return ticket;
  }

  @Test
  void whoIsAloneGetsAllThereIs() {
    Turns turns = new Turns(3);
    IntStream.range(0, 3).forEach(i -> enter(turns, 1, "/", "a" + i));
    assertThat(begun).containsExactly("a0", "a1", "a2");
    assertThat(turns.waiting()).isZero();
  }

  @Test
  void oneOfEachUserComesAfterTheOther() {
    Turns turns = new Turns(1);
    Turns.Ticket first = enter(turns, 1, "/", "flood");
    List<Turns.Ticket> tickets = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      tickets.add(enter(turns, 1, "/", "flood" + i));
    }
    Turns.Ticket honest = enter(turns, 2, "/", "honest");
    first.over();
    tickets.get(0).over();
    honest.over();
    tickets.get(1).over();
    assertThat(begun).containsExactly("flood", "flood0", "honest", "flood1", "flood2");
  }

  @Test
  void oneUserHasAPartOfTheRoomWhileAnotherIsThereAndAllOfItAfterwards() {
    Turns turns = inCompany(4, 2);
    List<Turns.Ticket> flood = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      flood.add(enter(turns, 1, "/", "flood" + i));
    }
    assertThat(begun).as("he was alone").hasSize(4);
    Turns.Ticket honest = enter(turns, 2, "/", "honest");
    for (int i = 4; i < 9; i++) {
      flood.add(enter(turns, 1, "/", "flood" + i));
    }
    flood.get(0).over();
    assertThat(begun).last().isEqualTo("honest");
    flood.get(1).over();
    assertThat(begun).as("he has his part").hasSize(5);
    flood.get(2).over();
    assertThat(begun).last().isEqualTo("flood4");
    Turns.Ticket again = enter(turns, 2, "/", "honest again");
    assertThat(begun).as("room was left for him").last().isEqualTo("honest again");
    nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(100));
    flood.get(3).over();
    honest.over();
    again.over();
    assertThat(begun).as("he is alone again").endsWith("flood5", "flood6", "flood7");
    assertThat(turns.waiting()).isOne();
  }

  @Test
  void whoWaitsInLineIsThereHoweverLongItTakes() {
    Turns turns = inCompany(3, 1);
    List<Turns.Ticket> flood = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      flood.add(enter(turns, 1, "/", "flood" + i));
    }
    Turns.Ticket honest = enter(turns, 2, "/", "honest");
    enter(turns, 2, "/", "honest1");
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(10));
    flood.get(0).over();
    flood.get(1).over();
    assertThat(begun).containsExactly("flood0", "flood1", "flood2", "honest");
    flood.get(2).over();
    assertThat(begun).last().isEqualTo("flood3");
    honest.over();
    endRests();
    assertThat(begun).last().isEqualTo("honest1");
  }

  private List<Turns.Ticket> flood(Turns turns, int first, int count) {
    return IntStream.range(first, first + count)
        .mapToObj(i -> enter(turns, 1, "/", "flood" + i))
        .toList();
  }

  @Test
  void whoHasUsedHisPartUpRestsForAsLongAsItTookWhileAnotherIsThere() {
    Turns turns = inCompany(4, 2);
    Turns.Ticket honest = enter(turns, 2, "/", "honest");
    honest.over();
    List<Turns.Ticket> flood = flood(turns, 0, 6);
    assertThat(begun).containsExactly("honest", "flood0", "flood1");
    rests.clear();
    restNanos.clear();
    flood.get(0).over();
    assertThat(begun).as("his part is not over yet").hasSize(3);
    nanos.addAndGet(150_000);
    flood.get(1).over();
    assertThat(begun).as("he rests").hasSize(3);
    assertThat(restNanos).containsExactly(150_000L);
    enter(turns, 2, "/", "honest meanwhile").over();
    assertThat(begun).last().isEqualTo("honest meanwhile");
    endRests();
    assertThat(begun).endsWith("honest meanwhile", "flood2", "flood3");
  }

  @Test
  void whoRestsGoesOnOnceHeIsAlone() {
    Turns turns = inCompany(4, 2);
    enter(turns, 2, "/", "honest").over();
    List<Turns.Ticket> flood = flood(turns, 0, 2);
    flood.forEach(Turns.Ticket::over);
    enter(turns, 1, "/", "rests");
    assertThat(begun).last().isEqualTo("flood1");
    nanos.addAndGet(TimeUnit.MILLISECONDS.toNanos(100));
    enter(turns, 1, "/", "alone");
    assertThat(begun).endsWith("flood1", "rests", "alone");
    endRests();
    assertThat(turns.waiting()).isZero();
  }

  @Test
  void whoTakesLessThanHisPartNeverRests() {
    Turns turns = inCompany(4, 2);
    enter(turns, 2, "/", "other").over();
    for (int i = 0; i < 5; i++) {
      enter(turns, 1, "/", "one after the other" + i).over();
    }
    assertThat(begun).hasSize(6);
    assertThat(rests).isEmpty();
  }

  @Test
  void whoIsAloneNeverRests() {
    Turns turns = inCompany(4, 2);
    for (int i = 0; i < 5; i++) {
      flood(turns, 4 * i, 4).forEach(Turns.Ticket::over);
    }
    assertThat(begun).hasSize(20);
    assertThat(rests).isEmpty();
  }

  @Test
  void oneThatTakesLongDoesNotKeepTheOthersOfItsUserWaiting() {
    Turns turns = inCompany(4, 2);
    enter(turns, 2, "/", "honest").over();
    List<Turns.Ticket> flood = flood(turns, 0, 5);
    flood.get(1).over();
    assertThat(begun).last().isEqualTo("flood1");
    assertThat(restNanos).containsExactly(TimeUnit.MILLISECONDS.toNanos(1));
    endRests();
    assertThat(begun).as("flood0 is still there").last().isEqualTo("flood2");
    flood.get(0).over();
    assertThat(begun).last().isEqualTo("flood3");
  }

  @Test
  void noRestIsLongerThanAMillisecond() {
    Turns turns = inCompany(4, 2);
    enter(turns, 2, "/", "honest").over();
    List<Turns.Ticket> flood = flood(turns, 0, 3);
    restNanos.clear();
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(3));
    flood.get(0).over();
    flood.get(1).over();
    assertThat(restNanos).allMatch(rest -> rest <= TimeUnit.MILLISECONDS.toNanos(1));
    endRests();
    assertThat(begun).last().isEqualTo("flood2");
  }

  @Test
  void oneThatCantBeHandedOnKeepsNobodyFromHisTurn() {
    Turns turns = new Turns(1);
    Turns.Ticket first = enter(turns, 1, "/", "first");
    Turns.Ticket broken = turns.ticket(2, "/");
    broken.enter(() -> {
      throw new IllegalStateException("broken");
    });
    Turns.Ticket last = enter(turns, 3, "/", "last");
    first.over();
    assertThat(begun).containsExactly("first", "last");
    last.over();
    Turns.Ticket alone = turns.ticket(2, "/");
    alone.enter(() -> {
      throw new AssertionError("broken");
    });
    enter(turns, 1, "/", "after an error");
    assertThat(begun).last().isEqualTo("after an error");
  }

  @Test
  void manyControlGroupsOfOneUserCountAsThatUser() {
    Turns turns = new Turns(1);
    Turns.Ticket first = enter(turns, 1, "/", "first");
    List<Turns.Ticket> groups = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      groups.add(enter(turns, 1, "/" + i, "group" + i));
    }
    Turns.Ticket other = enter(turns, 2, "/", "other");
    Turns.Ticket again = enter(turns, 2, "/", "other again");
    first.over();
    groups.get(0).over();
    other.over();
    groups.get(1).over();
    again.over();
    assertThat(begun)
        .containsExactly("first", "group0", "other", "group1", "other again", "group2");
  }

  @Test
  void controlGroupsOfAUserTakeTurns() {
    Turns turns = new Turns(1);
    Turns.Ticket first = enter(turns, 0, "/a", "a0");
    Turns.Ticket second = enter(turns, 0, "/a", "a1");
    enter(turns, 0, "/a", "a2");
    Turns.Ticket other = enter(turns, 0, "/b", "b0");
    first.over();
    second.over();
    other.over();
    assertThat(begun).containsExactly("a0", "a1", "b0", "a2");
  }

  @Test
  void whoWithdrawsLeavesTheLine() {
    Turns turns = new Turns(1);
    Turns.Ticket first = enter(turns, 1, "/", "first");
    Turns.Ticket gone = enter(turns, 1, "/", "gone");
    Turns.Ticket alone = enter(turns, 2, "/", "alone");
    enter(turns, 1, "/", "last");
    gone.withdraw();
    alone.over();
    first.over();
    assertThat(begun).containsExactly("first", "last");
    assertThat(turns.waiting()).isZero();
  }

  @Test
  void withdrawingBeforeEnteringIsTheEnd() {
    Turns turns = new Turns(1);
    Turns.Ticket ticket = turns.ticket(1, "/");
    ticket.withdraw();
    ticket.enter(() -> begun.add("never"));
    assertThat(begun).isEmpty();
    enter(turns, 1, "/", "next");
    assertThat(begun).containsExactly("next");
  }

  @Test
  void whatIsWorkedOnKeepsItsPlaceWhenItsPeerHasGone() {
    Turns turns = new Turns(1);
    Turns.Ticket first = enter(turns, 1, "/", "first");
    enter(turns, 2, "/", "second");
    first.withdraw();
    assertThat(begun).containsExactly("first");
    first.over();
    assertThat(begun).containsExactly("first", "second");
  }

  @Test
  void onlyTheFirstEndCounts() {
    Turns turns = new Turns(1);
    Turns.Ticket first = enter(turns, 1, "/", "first");
    enter(turns, 1, "/", "second");
    enter(turns, 1, "/", "third");
    first.over();
    first.over();
    first.withdraw();
    assertThat(begun).containsExactly("first", "second");
  }

  @Test
  void aHundredThousandThatEndAtOnceTakeNoHundredThousandFrames() {
    Turns turns = new Turns(1);
    Turns.Ticket first = enter(turns, 1, "/", "first");
    AtomicInteger done = new AtomicInteger();
    for (int i = 0; i < 100_000; i++) {
      Turns.Ticket ticket = turns.ticket(i % 7, "/");
      ticket.enter(() -> {
        done.incrementAndGet();
        ticket.over();
      });
    }
    first.over();
    assertThat(done).hasValue(100_000);
  }

  @RepeatedTest(3)
  void underLoadEachIsDoneOnceAndNeverTooManyAtOnce() throws Exception {
    underLoad(4, new Turns(4));
  }

  @RepeatedTest(3)
  void underLoadNobodyIsForgottenWhileHeRests() throws Exception {
    try (ScheduledExecutorService timer = Executors.newScheduledThreadPool(1)) {
      underLoad(
          4,
          new Turns(
              4,
              2,
              System::nanoTime,
              (rest, task) -> {
                Future<?> _ = timer.schedule(task, rest, TimeUnit.NANOSECONDS);
              }));
    }
  }

  private static void underLoad(int most, Turns turns) throws Exception {
    int each = 5000;
    AtomicInteger inside = new AtomicInteger();
    AtomicInteger highest = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    AtomicInteger withdrawn = new AtomicInteger();
    CountDownLatch left = new CountDownLatch(3 * each);
    try (ExecutorService threads = Executors.newFixedThreadPool(4);
        ExecutorService clients = Executors.newFixedThreadPool(3)) {
      for (int user = 0; user < 3; user++) {
        int name = user;
        clients.execute(() -> {
          Random random = new Random(name);
          for (int i = 0; i < each; i++) {
            Turns.Ticket ticket = turns.ticket(name, random.nextInt(3));
            if (random.nextInt(10) == 0) {
              ticket.withdraw();
              withdrawn.incrementAndGet();
              left.countDown();
              continue;
            }
            ticket.enter(() -> {
              highest.accumulateAndGet(inside.incrementAndGet(), Math::max);
              threads.execute(() -> {
                inside.decrementAndGet();
                done.incrementAndGet();
                ticket.over();
                left.countDown();
              });
            });
          }
        });
      }
      assertThat(left.await(30, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(done.get() + withdrawn.get()).isEqualTo(3 * each);
    assertThat(highest.get()).isLessThanOrEqualTo(most);
    assertThat(turns.waiting()).isZero();
  }
}
