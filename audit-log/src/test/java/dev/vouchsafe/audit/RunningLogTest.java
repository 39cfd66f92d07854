package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log with its thread: what was acknowledged is there, whatever happens beside it. */
class RunningLogTest {
  private static final long LIMIT = TimeUnit.SECONDS.toNanos(60);

  @TempDir Path home;

  private static AuditLog start(TestLog log) throws IOException {
    return RunningLog.start(log.open(), log.key, log.clock, () -> true, log.clock.nanoTime());
  }

  private static void await(BooleanSupplier condition) {
    long began = System.nanoTime();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - began).as("the condition did not come").isLessThan(LIMIT);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  private static List<String> modules(TestLog log) throws IOException {
    List<String> modules = new ArrayList<>();
    for (AuditEntry entry : log.entries()) {
      if (entry.event() instanceof AuditEvent.Decision decision) {
        modules.add(decision.asked().module());
      }
    }
    return modules;
  }

  @Test
  void whatIsAcknowledgedIsInTheFile() throws Exception {
    TestLog log = new TestLog(home);
    try (AuditLog running = start(log)) {
      for (int i = 0; i < 50; i++) {
        String module = "m" + i;
        running.record(TestLog.decision(module, AuditEvent.Outcome.ISSUED)).join();
        assertThat(modules(log)).endsWith(module).hasSize(i + 1);
      }
    }
    assertThat(log.verify().findings()).isEmpty();
  }

  @Test
  void whatIsPromisedIsInTheFileSoonAndNotTakenOnceTheLogIsClosing() throws Exception {
    TestLog log = new TestLog(home);
    AuditEvent event = TestLog.decision("token", AuditEvent.Outcome.ISSUED);
    AuditLog running = start(log);
    try (running) {
      running.promise(event);
      running.require(TestLog.decision("later", AuditEvent.Outcome.ISSUED));
      assertThat(modules(log)).containsExactly("token", "later");
      running.promise(event);
    }
    assertThat(modules(log)).containsExactly("token", "later", "token");
    assertThatThrownBy(() -> running.promise(event)).isInstanceOf(AuditUnavailableException.class);
  }

  @Test
  void whateverCharacterAStrangersNameHasIsRecordedAndVerifies() throws Exception {
    TestLog log = new TestLog(home);
    StringBuilder all = new StringBuilder();
    for (char c = 0; c < 0x180; c++) {
      all.append(c);
    }
    // In parts, since a name is cut.
    try (AuditLog running = start(log)) {
      for (int i = 0; i < all.length(); i += 16) {
        running.require(TestLog.decision(all.substring(i, i + 16), AuditEvent.Outcome.ISSUED));
      }
      String _ = running.checkpoint();
    }
    assertThat(log.verify().findings()).isEmpty();
    assertThat(String.join("", modules(log))).isEqualTo(all.toString());
  }

  @Test
  void twentyWritersLoseNothingAndEachOnesEntriesStandInItsOrder() throws Exception {
    TestLog log = new TestLog(home);
    int writers = 20;
    int each = 100;
    try (AuditLog running = start(log);
        ExecutorService threads = Executors.newFixedThreadPool(writers)) {
      CountDownLatch go = new CountDownLatch(1);
      List<Future<?>> ends = new ArrayList<>();
      for (int w = 0; w < writers; w++) {
        int writer = w;
        ends.add(
            threads.submit(() -> {
              go.await();
              for (int i = 0; i < each; i++) {
                running.require(TestLog.decision(writer + "-" + i, AuditEvent.Outcome.ISSUED));
                running.count("m" + writer, "sign");
              }
              return null;
            }));
      }
      go.countDown();
      for (Future<?> end : ends) {
        end.get();
      }
      String _ = running.checkpoint();
    }
    List<String> modules = modules(log);
    assertThat(modules).hasSize(writers * each).doesNotHaveDuplicates();
    for (int w = 0; w < writers; w++) {
      String prefix = w + "-";
      List<String> own = modules.stream().filter(name -> name.startsWith(prefix)).toList();
      for (int i = 0; i < each; i++) {
        assertThat(own.get(i)).isEqualTo(prefix + i);
      }
    }
    long counted = 0;
    for (AuditEntry entry : log.entries()) {
      counted += entry.event() instanceof AuditEvent.Count count ? count.count() : 0;
    }
    assertThat(counted).isEqualTo((long) writers * each);
    AuditReport report = log.verify();
    assertThat(report.findings()).isEmpty();
    assertThat(report.checkpoints())
        .as("one after 1,024 entries, and those asked for")
        .isPositive();
  }

  @Test
  void whatIsReadAndVerifiedWhileItIsWrittenIsSound() throws Exception {
    TestLog log = new TestLog(home);
    log.settings = new AuditSettings(log.folder, 4000, 40_000, Duration.ofDays(400));
    try (AuditLog running = start(log)) {
      String _ = running.checkpoint();
      Thread writer =
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < 2000; i++) {
                  running.note(TestLog.decision("m" + i, AuditEvent.Outcome.ISSUED));
                }
              });
      List<Long> seen = Collections.synchronizedList(new ArrayList<>());
      AuditReader reader = new AuditReader(log.folder);
      do {
        assertThat(log.verify().sound()).isTrue();
        reader.read(entry -> seen.add(entry.sequence()));
      } while (writer.isAlive());
      writer.join();
      String _ = running.checkpoint();
      reader.read(entry -> seen.add(entry.sequence()));
      assertThat(seen).isSorted().doesNotHaveDuplicates();
      assertThat(reader.strange()).isZero();
    }
    assertThat(log.verify().findings()).isEmpty();
    assertThat(log.verify().trimmed()).isTrue();
  }

  @Test
  void strangersRefusalsFillABoundedPartOfTheLogAndNoneIsForgotten() throws Exception {
    TestLog log = new TestLog(home);
    int flood = 100_000;
    try (AuditLog running = start(log)) {
      running.require(TestLog.decision("before", AuditEvent.Outcome.ISSUED));
      for (int i = 0; i < flood; i++) {
        running.note(
            new AuditEvent.Decision(
                AuditEvent.Outcome.REFUSED,
                "selector-mismatch",
                "",
                new AuditEvent.Asked("made-up-" + i, "certificate", "unix"),
                new AuditEvent.Who(i, i % 500, 9, Optional.empty(), Optional.empty()),
                List.of(),
                List.of(),
                List.of()));
      }
      running.require(TestLog.decision("after", AuditEvent.Outcome.ISSUED));
    }
    long whole = modules(log).stream().filter(name -> name.startsWith("made-up-")).count();
    long counted = 0;
    for (AuditEntry entry : log.entries()) {
      if (entry.event() instanceof AuditEvent.Refusals refusals) {
        counted += refusals.others();
        counted += refusals.alike().stream().mapToLong(AuditEvent.Alike::count).sum();
        assertThat(refusals.alike()).hasSizeLessThanOrEqualTo(20);
      }
    }
    assertThat(whole).isBetween(1L, (long) Summaries.RefusalBudget.ALL_AN_HOUR);
    assertThat(whole + counted).isEqualTo(flood);
    assertThat(modules(log)).contains("before", "after");
    assertThat(Files.size(log.only())).isLessThan(400_000);
    assertThat(log.verify().findings()).isEmpty();
  }

  @Test
  void oneStrangerLeavesRoomForTheRefusalsOfOthers() {
    Clock clock = new Clock();
    Summaries.RefusalBudget budget = new Summaries.RefusalBudget(clock.nanoTime(), clock.instant());
    int admitted = 0;
    for (int minute = 0; minute < 60; minute++) {
      for (int i = 0; i < 1000; i++) {
        admitted += budget.admit(refusal(1, "m" + i)) ? 1 : 0;
      }
      clock.pass(Duration.ofSeconds(59));
    }
    assertThat(admitted).isEqualTo(Summaries.RefusalBudget.USER_AN_HOUR);
    assertThat(budget.admit(refusal(2, "m"))).isTrue();
    clock.pass(Duration.ofHours(1));
    assertThat(budget.admit(refusal(1, "m"))).as("the next hour").isTrue();
  }

  private static AuditEvent.Decision refusal(int uid, String module) {
    return new AuditEvent.Decision(
        AuditEvent.Outcome.REFUSED,
        "selector-mismatch",
        "",
        new AuditEvent.Asked(module, "certificate", "unix"),
        new AuditEvent.Who(1, uid, 9, Optional.empty(), Optional.empty()),
        List.of(),
        List.of(),
        List.of());
  }

  /** Times are what a clock made of them; order and signatures don't depend on it. */
  @Test
  void aClockThatGoesBackwardChangesNothingButTheTimes() throws Exception {
    TestLog log = new TestLog(home);
    log.settings = new AuditSettings(log.folder, 1, 1 << 30, Duration.ofDays(30));
    try (AuditLog running = start(log)) {
      running.require(TestLog.decision("one", AuditEvent.Outcome.ISSUED));
      String _ = running.checkpoint();
      log.clock.jump(Duration.ofDays(-10_000));
      running.require(TestLog.decision("two", AuditEvent.Outcome.ISSUED));
      String _ = running.checkpoint();
      log.clock.jump(Duration.ofDays(40_000));
      running.require(TestLog.decision("three", AuditEvent.Outcome.ISSUED));
      String _ = running.checkpoint();
    }
    assertThat(modules(log)).as("nothing is removed by it").containsExactly("one", "two", "three");
    assertThat(log.verify().findings()).isEmpty();
    try (AuditLog again = start(log)) {
      again.require(TestLog.decision("four", AuditEvent.Outcome.ISSUED));
    }
    assertThat(modules(log)).containsExactly("one", "two", "three", "four");
    assertThat(log.verify().findings()).isEmpty();
  }

  @Test
  void aClockIsNotBelievedBeforeADayNorAfterAJump() {
    Clock clock = new Clock();
    AtomicBoolean certain = new AtomicBoolean(true);
    Due due = new Due(clock.nanoTime(), clock, certain::get);
    clock.jump(Duration.ofDays(3));
    assertThat(due.clockIsBelieved()).isFalse();
    clock.jump(Duration.ofDays(-3));
    clock.pass(Duration.ofHours(23));
    assertThat(due.clockIsBelieved()).isFalse();
    clock.pass(Duration.ofHours(2));
    assertThat(due.clockIsBelieved()).isTrue();
    certain.set(false);
    assertThat(due.clockIsBelieved()).isFalse();
    certain.set(true);
    clock.jump(Duration.ofHours(2));
    assertThat(due.clockIsBelieved()).isFalse();
  }

  @Test
  void anAuditKeyThatIsAwayStopsNoEntryAndSignsThemWhenItIsBack() throws Exception {
    TestLog log = new TestLog(home);
    log.key.setAway(true);
    try (AuditLog running = start(log)) {
      running.require(TestLog.decision("unsigned", AuditEvent.Outcome.ISSUED));
      assertThatThrownBy(running::checkpoint).isInstanceOf(AuditUnavailableException.class);
      assertThat(running.status().signingFault()).isPresent();
      assertThat(running.status().fault()).isEmpty();
      log.key.setAway(false);
      String _ = running.checkpoint();
      assertThat(running.status().signingFault()).isEmpty();
    }
    assertThat(log.verify().findings()).isEmpty();
  }

  @Test
  void aFolderThatIsGoneStopsWhatMustBeRecordedAndBackItGoesOn() throws Exception {
    TestLog log = new TestLog(home);
    log.settings = new AuditSettings(log.folder, 1, 1 << 30, Duration.ofDays(30));
    try (AuditLog running = start(log)) {
      String _ = running.checkpoint();
      Path moved = Files.move(log.folder, home.resolve("moved"));
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 3; i++) {
                  running.record(TestLog.decision("lost", AuditEvent.Outcome.ISSUED)).join();
                  running.checkpoint();
                }
              })
          .isInstanceOfAny(CompletionException.class, AuditUnavailableException.class);
      Files.move(moved, log.folder);
      await(() -> running.status().fault().isEmpty());
      running.require(TestLog.decision("back", AuditEvent.Outcome.ISSUED));
    }
    assertThat(modules(log)).contains("back");
  }

  @Test
  void nothingIsTakenAfterTheEnd() throws Exception {
    TestLog log = new TestLog(home);
    AuditLog running = start(log);
    running.close();
    assertThatThrownBy(() -> running.require(TestLog.decision("late", AuditEvent.Outcome.ISSUED)))
        .isInstanceOf(AuditUnavailableException.class);
    running.note(TestLog.decision("late", AuditEvent.Outcome.REFUSED));
    assertThat(modules(log)).isEmpty();
    assertThat(log.verify().findings()).isEmpty();
  }

  /** Whoever was told that it is recorded may have handed it out already. */
  @Test
  void whatIsPromisedWhileTheLogClosesIsInItOrWasRefused() throws Exception {
    TestLog log = new TestLog(home);
    AuditLog running = start(log);
    List<String> taken = Collections.synchronizedList(new ArrayList<>());
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (int t = 0; t < 4; t++) {
        int thread = t;
        threads.execute(() -> {
          for (int i = 0; ; i++) {
            String module = thread + "-" + i;
            try {
              running.promise(TestLog.decision(module, AuditEvent.Outcome.ISSUED));
              taken.add(module);
            } catch (AuditUnavailableException e) {
              if (!"the audit log is behind".equals(e.getMessage())) {
                return;
              }
              Thread.onSpinWait();
            }
          }
        });
      }
      await(() -> taken.size() > 100);
      running.close();
    }
    assertThat(modules(log)).containsExactlyInAnyOrderElementsOf(taken);
    assertThat(log.verify().findings()).isEmpty();
  }
}
