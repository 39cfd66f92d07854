package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What an administrator reads after a kill in the middle of each step of a root: which root is
 * active, which is next, what the next step waits for and until when, and what became of the last
 * one.
 */
class RootStandingTest {
  /** Takes one step. */
  private interface Taking {
    void take(RootHome home) throws Exception;
  }

  /** The steps of a root: what leads to each, and the step. What takes them has no state. */
  @SuppressWarnings("ImmutableEnumChecker")
  enum Step {
    PREPARE(home -> {}, home -> home.changes().prepare(Role.ROOT, Optional.empty())),
    PREPARE_WITHOUT(
        home -> home.ca.clock.set(home.first.getNotAfter().toInstant()),
        home -> home.changes().prepare(Role.ROOT, Optional.empty(), true)),
    ABORT_PREPARED(PREPARE.step, home -> home.changes().abort("root-2")),
    PUBLISH(PREPARE.step, home -> home.changes().publish("root-2")),
    ABORT_PUBLISHED(RootHome::prepareAndPublish, home -> home.changes().abort("root-2")),
    ACTIVATE(RootHome::prepareAndPublish, home -> home.changes().activate("root-2", true)),
    ABORT_ACTIVE(
        RootHome::activate, home -> home.changes().abort("root-2", Optional.of(State.ACTIVE))),
    RETIRE(RootHome::activate, home -> home.changes().retire("root-1", true));

    private final Taking before;
    private final Taking step;

    Step(Taking before, Taking step) {
      this.before = before;
      this.step = step;
    }

    private RotationStep word() {
      return RotationStep.valueOf(name().replaceAll("_.*", ""));
    }
  }

  @TempDir Path folder;

  private static Map<State, String> roots(RootHome home) {
    Map<State, String> roots = new TreeMap<>();
    home.ca.ca().authorities().stream()
        .filter(it -> it.role() == Role.ROOT)
        .forEach(it -> roots.put(it.state(), it.id()));
    roots.remove(State.RETIRED);
    return roots;
  }

  @ParameterizedTest
  @EnumSource
  void afterAKillInTheMiddleTheStandingSaysAllThatIsToBeKnown(Step step) throws Exception {
    boolean finished = false;
    int interrupted = 0;
    for (int commits = 1; !finished; commits++) {
      Path inside = Files.createDirectory(folder.resolve("kill-" + commits));
      try (RootHome home = RootHome.in(inside)) {
        step.before.take(home);
        Map<State, String> untaken = roots(home);
        int before = home.changes().standing().journal().size();
        DyingDisk disk = new DyingDisk();
        home.ca.reopen(disk, Duration.ofSeconds(30));
        disk.arm(commits, false);
        try {
          step.step.take(home);
          finished = !disk.isDead();
        } catch (IssuanceException e) {
          assertThat(disk.isDead()).isTrue();
        }
        home.ca.restart(home.bundle());
        assertTold(home, home.changes().standing());
        if (home.changes().standing().journal().size() > before) {
          interrupted += assertJournal(home, step, !roots(home).equals(untaken));
        } else {
          assertThat(roots(home)).isEqualTo(untaken);
        }
      }
      assertThat(commits).as("a step ends").isLessThan(40);
    }
    assertThat(interrupted).as("it was killed in the middle").isPositive();
  }

  /** Says whether it was interrupted. */
  private static int assertJournal(RootHome home, Step step, boolean taken) throws Exception {
    RotationEvent last = home.changes().standing().journal().getFirst();
    assertThat(last.step()).isEqualTo(step.word());
    assertThat(last.by()).isEqualTo("uid 0");
    assertThat(last.outcome())
        .isEqualTo(taken ? RotationEvent.Outcome.DONE : RotationEvent.Outcome.INTERRUPTED);
    return taken ? 0 : 1;
  }

  /** Held against what is so: the states, and what the bundle says. */
  private static void assertTold(RootHome home, RotationStanding standing) throws Exception {
    Map<State, String> roots = roots(home);
    RotationPlan plan = standing.root();
    RotationPlan.Coming next = plan.steps().getFirst();
    assertThat(plan.active().id()).isEqualTo(roots.get(State.ACTIVE));
    assertThat(next.automatic()).isFalse();
    if (roots.containsKey(State.RETIRING)) {
      assertThat(next.step()).isEqualTo(RotationStep.RETIRE);
      assertThat(next.authority()).isEqualTo(roots.get(State.RETIRING));
      assertThat(next.from()).isPresent();
    } else if (roots.containsKey(State.PUBLISHED)) {
      assertThat(plan.next().orElseThrow().id()).isEqualTo(roots.get(State.PUBLISHED));
      assertThat(next.step()).isEqualTo(RotationStep.ACTIVATE);
      assertThat(next.authority()).isEqualTo(roots.get(State.PUBLISHED));
      Instant until = home.bundles.current().content().roots().getLast().activates().orElseThrow();
      assertThat(next.from()).contains(until);
      assertThat(next.waitsFor())
          .singleElement()
          .asString()
          .startsWith("readers of the trust bundle that nobody knows by name, until ");
    } else if (roots.containsKey(State.PREPARED)) {
      assertThat(plan.next().orElseThrow().id()).isEqualTo(roots.get(State.PREPARED));
      assertThat(next.step()).isEqualTo(RotationStep.PUBLISH);
      assertThat(next.authority()).isEqualTo(roots.get(State.PREPARED));
      assertThat(next.from()).isPresent();
      assertThat(next.waitsFor()).isEmpty();
    } else {
      assertThat(plan.next()).isEmpty();
      assertThat(next.step()).isEqualTo(RotationStep.PREPARE);
      assertThat(next.from()).isPresent();
    }
  }
}
