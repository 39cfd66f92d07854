package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The trust bundle, asked by several threads at once to follow the roots. */
class RootBundleTest {
  @TempDir Path folder;

  private static Thread following(
      RootBundle bundle, Supplier<AuthorityChain> roots, TrustedClock clock) {
    return Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            bundle.follow(roots, clock);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  @Test
  @Timeout(30)
  void whoReadTheRootsBeforeAStepDoesNotUndoWhatFollowedTheStep() throws Exception {
    try (RootHome home = RootHome.in(folder)) {
      home.changes().prepare(AuthorityInfo.Role.ROOT, Optional.empty());
      RootBundle bundle = home.bundle();
      home.ca.ca().close();
      AuthorityChain before;
      try (Ledger ledger = Ledger.open(home.ca.settings.directory())) {
        before =
            AuthorityChain.load(ledger, home.ca.settings, TestCa.CRYPTO, home.ca.clock.instant());
      }
      AuthorityChain after =
          before.with(Map.of(before.find("root-2").orElseThrow().row().row(), State.PUBLISHED));
      AtomicReference<AuthorityChain> now = new AtomicReference<>(before);
      CountDownLatch read = new CountDownLatch(1);
      CountDownLatch goOn = new CountDownLatch(1);
      Thread tick =
          following(
              bundle,
              () -> {
                AuthorityChain seen = now.get();
                read.countDown();
                try {
                  goOn.await();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
                return seen;
              },
              home.ca.clock);
      read.await();
      now.set(after);
      Thread step = following(bundle, now::get, home.ca.clock);
      while (step.isAlive() && step.getState() != Thread.State.BLOCKED) {
        Thread.onSpinWait();
      }
      goOn.countDown();
      assertThat(tick.join(Duration.ofSeconds(20))).isTrue();
      assertThat(step.join(Duration.ofSeconds(20))).isTrue();
      assertThat(home.bundles.current().roots())
          .containsExactlyElementsOf(
              List.of(home.first, after.find("root-2").orElseThrow().certificate()));
    }
  }

  /** Killed between the two writes of a publication, and started again by a clock that is ahead. */
  @Test
  void byAClockInDoubtNoReaderIsToldFromWhenAPublishedRootMayIssue() throws Exception {
    try (RootHome home = RootHome.in(folder)) {
      home.changes().prepare(AuthorityInfo.Role.ROOT, Optional.empty());
      home.ca.ca().close();
      LedgerPeek.execute(
          home.ca.settings.directory(),
          "UPDATE authority SET state = 'published' WHERE role = 'root' AND generation = 2");
      Instant real = home.ca.clock.instant();
      home.ca.clock.doubt(true);
      home.ca.clock.set(real.plus(Duration.ofDays(200)));
      home.ca.reopen();
      assertThat(home.bundles.current().roots()).containsExactly(home.first);
      assertThat(home.changes().standing().root().steps().getFirst().waitsFor())
          .contains(RootPlanner.CERTAIN);
      home.ca.clock.set(real);
      home.ca.clock.doubt(false);
      home.ca.reopen();
      assertThat(home.bundles.current().content().roots().getLast().activates())
          .hasValue(real.plus(RootHome.REFRESH.multipliedBy(5)).truncatedTo(ChronoUnit.SECONDS));
    }
  }
}
