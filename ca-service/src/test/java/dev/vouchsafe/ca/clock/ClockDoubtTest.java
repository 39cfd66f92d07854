package dev.vouchsafe.ca.clock;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.clock.ClockSettings.Untrusted;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A clock that nobody vouched for stays uncertain, however often the service is started. */
class ClockDoubtTest {
  private static final Instant BUILT = Instant.parse("2026-11-01T00:00:00Z");
  private static final Instant NOW = Instant.parse("2027-03-01T12:00:00Z");

  @TempDir Path folder;

  private final MovedMachine machine = new MovedMachine(NOW);

  private RunningClock open() {
    return open(folder.resolve("clock"));
  }

  private RunningClock open(Path file) {
    return new RunningClock(
        new ClockSettings(file, BUILT, Untrusted.BOUNDED), machine, Optional::empty);
  }

  private void floorAt(Instant floor) throws IOException {
    new FloorFile(folder.resolve("clock")).write(floor, false);
  }

  /** A start, an hour of service, and a stop. */
  private boolean certainInOneRun() {
    try (RunningClock clock = open()) {
      machine.pass(Duration.ofHours(1));
      clock.look();
      assertThat(clock.read().isTrusted()).isTrue();
      return clock.isCertain();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {33, 300, 400})
  void aClockThatIsFarAheadAtAStartIsNotCertainAtTheNextOnesEither(int days) throws IOException {
    floorAt(NOW);
    machine.set(NOW.plus(Duration.ofDays(days)));
    for (int start = 1; start <= 3; start++) {
      assertThat(certainInOneRun()).as("start %d", start).isFalse();
    }
    machine.synchronise(Synchronised.YES);
    assertThat(certainInOneRun()).isTrue();
    machine.synchronise(Synchronised.NO);
    assertThat(certainInOneRun()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 31, 300})
  void aJumpThatWasFollowedIsNotForgottenAtTheNextStarts(int days) throws IOException {
    floorAt(NOW);
    try (RunningClock clock = open()) {
      machine.set(NOW.plus(Duration.ofDays(days)));
      clock.look();
      assertThat(clock.isCertain()).isFalse();
    }
    for (int start = 2; start <= 3; start++) {
      assertThat(certainInOneRun()).as("start %d", start).isFalse();
    }
  }

  @Test
  void aDoubtIsWrittenAtOnceAndSurvivesAPowerCut() throws IOException {
    floorAt(NOW);
    RunningClock clock = open();
    clock.keep();
    machine.set(NOW.plus(Duration.ofDays(2)));
    clock.look();
    clock.keep();
    // It is never closed.
    assertThat(open().isCertain()).isFalse();
  }

  @Test
  void onceAcceptedAClockIsCertainAtTheNextStartsToo() throws Exception {
    floorAt(NOW);
    machine.set(NOW.plus(Duration.ofDays(300)));
    assertThat(certainInOneRun()).isFalse();
    try (RunningClock clock = open()) {
      clock.accept();
      assertThat(clock.isCertain()).isTrue();
    }
    assertThat(certainInOneRun()).isTrue();
    assertThat(certainInOneRun()).isTrue();
  }

  @Test
  void aKernelThatVouchedWhileItRanEndsTheDoubtForTheNextStart() throws IOException {
    floorAt(NOW);
    machine.set(NOW.plus(Duration.ofDays(300)));
    try (RunningClock clock = open()) {
      assertThat(clock.isCertain()).isFalse();
      machine.synchronise(Synchronised.YES);
      clock.look();
    }
    machine.synchronise(Synchronised.UNKNOWN);
    assertThat(certainInOneRun()).isTrue();
  }

  @Test
  void aDamagedFileLeavesADoubtSinceItMayHaveHeldOne() throws IOException {
    Files.writeString(folder.resolve("clock"), "noise");
    machine.set(BUILT.plus(Duration.ofDays(1)));
    assertThat(certainInOneRun()).isFalse();
    assertThat(certainInOneRun()).isFalse();
  }

  @Test
  void aFloorThatCouldNotBeReadIsNotReplacedByAnEarlierOne() throws Exception {
    Instant good = NOW.plus(Duration.ofDays(30));
    floorAt(good);
    // The folder can't be looked into for a while.
    Path data = Files.createSymbolicLink(folder.resolve("data"), Path.of("data"));
    RunningClock clock = open(data.resolve("clock"));
    assertThat(clock.status().fault()).get().asString().contains("can't be read");
    assertThat(clock.isCertain()).isFalse();
    clock.keep();
    assertThat(clock.status().fault()).get().asString().contains("can't be read");
    Files.delete(data);
    Files.createSymbolicLink(data, folder);
    machine.pass(Duration.ofMinutes(2));
    clock.look();
    clock.keep();
    assertThat(kept().floor()).isEqualTo(good);
    assertThat(clock.status().fault()).get().asString().contains(good.toString());
    machine.pass(Duration.ofDays(31));
    clock.look();
    clock.keep();
    assertThat(kept()).isEqualTo(new FloorFile.Kept(machine.clock(), true));
    assertThat(clock.status().fault()).isEmpty();
  }

  @Test
  void anAdministratorMayReplaceAFloorThatCouldNotBeRead() throws Exception {
    floorAt(NOW.plus(Duration.ofDays(30)));
    Path data = Files.createSymbolicLink(folder.resolve("data"), Path.of("data"));
    RunningClock clock = open(data.resolve("clock"));
    Files.delete(data);
    Files.createSymbolicLink(data, folder);
    clock.accept();
    assertThat(kept()).isEqualTo(new FloorFile.Kept(NOW, false));
  }

  private FloorFile.Kept kept() throws IOException {
    return new FloorFile(folder.resolve("clock")).read().orElseThrow();
  }
}
