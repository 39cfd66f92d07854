package dev.vouchsafe.ca.clock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.clock.ClockChange.Kind;
import dev.vouchsafe.ca.clock.ClockSettings.Untrusted;
import dev.vouchsafe.ca.clock.TrustedClock.Trust;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The machine's clock is moved; time, trust and floor are what they must be. */
class RunningClockTest {
  private static final Instant BUILT = Instant.parse("2026-11-01T00:00:00Z");
  private static final Instant NOW = Instant.parse("2027-03-01T12:00:00Z");
  private static final Instant EPOCH = Instant.EPOCH;
  private static final Duration SECOND = Duration.ofSeconds(1);

  @TempDir Path folder;

  private final MovedMachine machine = new MovedMachine(NOW);
  private final List<ClockChange> changes = new ArrayList<>();

  private Path file() {
    return folder.resolve("clock");
  }

  private RunningClock open() {
    return open(Untrusted.BOUNDED, Optional.empty());
  }

  private RunningClock open(Untrusted untrusted, Optional<Instant> evidence) {
    RunningClock clock =
        new RunningClock(new ClockSettings(file(), BUILT, untrusted), machine, () -> evidence);
    clock.listen(changes::add);
    return clock;
  }

  /** With a floor from an earlier run. */
  private RunningClock openAt(Instant floor) throws IOException {
    new FloorFile(file()).write(floor, false);
    return open();
  }

  private List<Kind> kinds(RunningClock clock) {
    clock.deliver();
    return changes.stream().map(ClockChange::kind).toList();
  }

  private Instant kept() throws IOException {
    return new FloorFile(file()).read().orElseThrow().floor();
  }

  @Test
  void aClockThatGoesOnIsShownAsItIsAndLiftsTheFloor() throws IOException {
    RunningClock clock = openAt(NOW.minus(Duration.ofDays(10)));
    machine.pass(Duration.ofHours(7));
    clock.look();
    assertThat(clock.read())
        .isEqualTo(new TrustedClock.Reading(NOW.plus(Duration.ofHours(7)), Trust.TRUSTED));
    assertThat(clock.status().floor()).isEqualTo(NOW.plus(Duration.ofHours(7)));
    assertThat(kinds(clock)).isEmpty();
    assertThat(clock.isCertain()).isTrue();
    clock.close();
    assertThat(kept()).isEqualTo(NOW.plus(Duration.ofHours(7)));
  }

  @Test
  void aClockBackAt1970IsNotTrustedAndTimeIsCountedFromTheFloor() throws IOException {
    machine.set(EPOCH);
    RunningClock clock = openAt(NOW);
    assertThat(clock.read()).isEqualTo(new TrustedClock.Reading(NOW, Trust.BOUNDED));
    machine.pass(Duration.ofHours(2));
    assertThat(clock.instant()).isEqualTo(NOW.plus(Duration.ofHours(2)));
    assertThat(clock.status().verdict()).isEqualTo(ClockVerdict.BEHIND_BUILD);
    assertThat(kinds(clock)).containsExactly(Kind.UNTRUSTED);
    clock.close();
    assertThat(kept()).isEqualTo(NOW.plus(Duration.ofHours(2)));
  }

  @Test
  void theNextStartGoesOnCountingWhereTheLastOneStopped() throws IOException {
    machine.set(EPOCH);
    RunningClock first = openAt(NOW);
    machine.pass(Duration.ofDays(1));
    first.close();
    RunningClock second = open();
    machine.pass(Duration.ofDays(1));
    assertThat(second.instant()).isEqualTo(NOW.plus(Duration.ofDays(2)));
  }

  @Test
  void aClockBehindTheBuildIsNotTrustedThoughNoFloorWasKept() {
    machine.set(BUILT.minusSeconds(1));
    RunningClock clock = open();
    assertThat(clock.status().verdict()).isEqualTo(ClockVerdict.BEHIND_BUILD);
    assertThat(clock.instant()).isEqualTo(BUILT);
  }

  @Test
  void aClockBehindTheFloorIsNotTrustedAlthoughTheKernelSaysThatItIsRight() throws IOException {
    machine.synchronise(Synchronised.YES);
    RunningClock clock = openAt(NOW.plus(Duration.ofDays(30)));
    assertThat(clock.status().verdict()).isEqualTo(ClockVerdict.BEHIND_FLOOR);
    assertThat(clock.instant()).isEqualTo(NOW.plus(Duration.ofDays(30)));
  }

  @Test
  void aClockThatIsALittleBehindTheFloorIsTrusted() throws IOException {
    RunningClock clock = openAt(NOW.plus(RunningClock.TOLERANCE));
    assertThat(clock.read()).isEqualTo(new TrustedClock.Reading(NOW, Trust.TRUSTED));
    assertThat(openAt(NOW.plus(RunningClock.TOLERANCE).plusSeconds(1)).read().isTrusted())
        .isFalse();
  }

  @Test
  void aClockThatIsSetBackALittleEveryDayStaysTrusted() throws IOException {
    RunningClock clock = openAt(NOW);
    for (int day = 0; day < 100; day++) {
      machine.pass(Duration.ofDays(1));
      clock.look();
      machine.set(machine.clock().minus(Duration.ofMinutes(1)));
      clock.look();
    }
    assertThat(clock.read()).isEqualTo(new TrustedClock.Reading(machine.clock(), Trust.TRUSTED));
  }

  @Test
  void aClockThatIsSetBackInManySmallStepsIsFoundOut() throws IOException {
    RunningClock clock = openAt(NOW);
    for (int step = 0; step < 100; step++) {
      machine.pass(SECOND);
      machine.set(machine.clock().minusSeconds(4));
      clock.look();
    }
    assertThat(clock.status().verdict()).isEqualTo(ClockVerdict.BEHIND_FLOOR);
    assertThat(kinds(clock)).contains(Kind.JUMPED, Kind.UNTRUSTED);
  }

  @Test
  void atTheStartAClockLiftsTheFloorBy400Days() throws IOException {
    machine.set(NOW.plus(RunningClock.LIFT));
    RunningClock clock = openAt(NOW);
    assertThat(clock.read().isTrusted()).isTrue();
    assertThat(clock.status().floor()).isEqualTo(NOW.plus(RunningClock.LIFT));
    assertThat(clock.isCertain()).isFalse();
  }

  @Test
  void atTheStartAClockLiftsTheFloorByNoMoreThan400Days() throws IOException {
    machine.set(NOW.plus(RunningClock.LIFT).plusSeconds(1));
    RunningClock clock = openAt(NOW);
    assertThat(clock.status().verdict()).isEqualTo(ClockVerdict.FAR_AHEAD);
    assertThat(clock.instant()).isEqualTo(NOW);
    clock.close();
    assertThat(kept()).isEqualTo(NOW);
  }

  @Test
  void aSynchronisedClockLiftsTheFloorByAnything() throws IOException {
    machine.set(NOW.plus(Duration.ofDays(3653)));
    machine.synchronise(Synchronised.YES);
    RunningClock clock = openAt(NOW);
    assertThat(clock.read().isTrusted()).isTrue();
    assertThat(clock.isCertain()).isTrue();
    clock.close();
    assertThat(kept()).isEqualTo(NOW.plus(Duration.ofDays(3653)));
  }

  @Test
  void aKernelThatCannotBeAskedVouchesForNothing() throws IOException {
    machine.set(NOW.plus(Duration.ofDays(3653)));
    machine.synchronise(Synchronised.UNKNOWN);
    assertThat(openAt(NOW).read().isTrusted()).isFalse();
  }

  @Test
  void aClockSetForwardTenYearsWhileRunningIsNotTrusted() throws IOException {
    RunningClock clock = openAt(NOW);
    machine.pass(SECOND);
    machine.set(NOW.plus(Duration.ofDays(3653)));
    // Nothing looked at it yet: the reading itself finds it out.
    assertThat(clock.read()).isEqualTo(new TrustedClock.Reading(NOW.plus(SECOND), Trust.BOUNDED));
    assertThat(kinds(clock)).containsExactly(Kind.JUMPED, Kind.UNTRUSTED);
    machine.set(NOW.plus(SECOND));
    assertThat(clock.read()).isEqualTo(new TrustedClock.Reading(NOW.plus(SECOND), Trust.TRUSTED));
    assertThat(kinds(clock))
        .containsExactly(Kind.JUMPED, Kind.UNTRUSTED, Kind.JUMPED, Kind.TRUSTED);
    assertThat(clock.epoch()).isEqualTo(1);
    clock.close();
    assertThat(kept()).isEqualTo(NOW.plus(SECOND));
  }

  @Test
  void aJumpForwardWithinTheLimitIsFollowedAndDoesNotLiftTheFloor() throws IOException {
    RunningClock clock = openAt(NOW);
    machine.set(NOW.plus(Duration.ofDays(300)));
    assertThat(clock.read().isTrusted()).isTrue();
    assertThat(clock.instant()).isEqualTo(NOW.plus(Duration.ofDays(300)));
    assertThat(clock.status().floor()).isEqualTo(NOW);
    assertThat(clock.isCertain()).isFalse();
    assertThat(kinds(clock)).containsExactly(Kind.JUMPED);
    // So a wrong one can be set right again without anybody's help.
    machine.set(NOW);
    assertThat(clock.read()).isEqualTo(new TrustedClock.Reading(NOW, Trust.TRUSTED));
    assertThat(clock.epoch()).isZero();
  }

  @Test
  void aClockThatTheTimeServiceSetsForwardLiftsTheFloorAndBecomesTrusted() throws IOException {
    machine.set(EPOCH);
    RunningClock clock = openAt(NOW);
    machine.pass(Duration.ofMinutes(1));
    clock.look();
    machine.synchronise(Synchronised.YES);
    machine.set(NOW.plus(Duration.ofDays(1000)));
    assertThat(clock.read().isTrusted()).isTrue();
    assertThat(clock.status().floor()).isEqualTo(NOW.plus(Duration.ofDays(1000)));
    assertThat(clock.isCertain()).isTrue();
    assertThat(clock.epoch()).isEqualTo(1);
  }

  @Test
  void aJumpBackIsToldWithBothTimes() throws IOException {
    RunningClock clock = openAt(NOW.minus(Duration.ofDays(1)));
    machine.pass(Duration.ofHours(1));
    machine.set(NOW.minus(Duration.ofDays(2)));
    clock.look();
    clock.deliver();
    assertThat(changes)
        .containsExactly(
            new ClockChange(
                Kind.JUMPED,
                NOW.plus(Duration.ofHours(1)),
                NOW.minus(Duration.ofDays(2)),
                ClockVerdict.BEHIND_FLOOR),
            new ClockChange(
                Kind.UNTRUSTED,
                NOW.minus(Duration.ofDays(2)),
                NOW.plus(Duration.ofHours(1)),
                ClockVerdict.BEHIND_FLOOR));
    assertThat(clock.status().jumps()).isEqualTo(1);
  }

  @Test
  void sleepIsToldAsSleepAndNotAsAJump() throws IOException {
    RunningClock clock = openAt(NOW);
    machine.sleep(Duration.ofHours(8));
    assertThat(clock.read().isTrusted()).isTrue();
    clock.deliver();
    assertThat(changes)
        .containsExactly(
            new ClockChange(
                Kind.SUSPENDED, NOW, NOW.plus(Duration.ofHours(8)), ClockVerdict.TRUSTED));
    assertThat(clock.status().floor()).isEqualTo(NOW.plus(Duration.ofHours(8)));
    assertThat(clock.isCertain()).isTrue();
  }

  @Test
  void aClockThatStoodStillWhileTheMachineSleptIsBehind() throws IOException {
    RunningClock clock = openAt(NOW);
    machine.sleepWithoutClock(Duration.ofHours(8));
    clock.look();
    assertThat(clock.status().verdict()).isEqualTo(ClockVerdict.BEHIND_FLOOR);
    assertThat(clock.instant()).isEqualTo(NOW.plus(Duration.ofHours(8)));
    assertThat(kinds(clock)).containsExactly(Kind.SUSPENDED, Kind.JUMPED, Kind.UNTRUSTED);
  }

  @Test
  void manyShortSleepsAreToldTogether() throws IOException {
    RunningClock clock = openAt(NOW);
    for (int i = 0; i < 3; i++) {
      machine.pass(SECOND);
      machine.sleep(Duration.ofSeconds(3));
      clock.look();
    }
    assertThat(kinds(clock)).containsExactly(Kind.SUSPENDED);
  }

  @Test
  void withoutUpTimeSleepLooksLikeAJumpAndHarmsNothing() throws IOException {
    machine.hideUpTime();
    RunningClock clock = openAt(NOW);
    machine.sleep(Duration.ofHours(8));
    assertThat(clock.read())
        .isEqualTo(new TrustedClock.Reading(NOW.plus(Duration.ofHours(8)), Trust.TRUSTED));
    assertThat(kinds(clock)).containsExactly(Kind.JUMPED);
  }

  @Test
  void acceptLowersAPoisonedFloorForGood() throws Exception {
    Instant poisoned = NOW.plus(Duration.ofDays(5000));
    RunningClock clock = openAt(poisoned);
    assertThat(clock.read().isTrusted()).isFalse();
    ClockStatus accepted = clock.accept();
    assertThat(accepted.verdict()).isEqualTo(ClockVerdict.TRUSTED);
    assertThat(accepted.floor()).isEqualTo(NOW);
    assertThat(kept()).isEqualTo(NOW);
    assertThat(clock.instant()).isEqualTo(NOW);
    assertThat(clock.epoch()).isEqualTo(1);
    clock.deliver();
    assertThat(changes)
        .endsWith(new ClockChange(Kind.ACCEPTED, poisoned, NOW, ClockVerdict.TRUSTED));
    assertThat(open().read().isTrusted()).isTrue();
  }

  @Test
  void acceptLiftsTheFloorToAClockThatIsFarAhead() throws Exception {
    machine.set(NOW.plus(Duration.ofDays(2000)));
    RunningClock clock = openAt(NOW);
    clock.accept();
    assertThat(clock.read().isTrusted()).isTrue();
    assertThat(clock.isCertain()).isTrue();
    assertThat(kept()).isEqualTo(NOW.plus(Duration.ofDays(2000)));
  }

  @Test
  void aClockBehindTheBuildIsNotAcceptedFromAnybody() throws IOException {
    machine.set(EPOCH);
    RunningClock clock = openAt(NOW);
    assertThatThrownBy(clock::accept)
        .isInstanceOf(ImpossibleTimeException.class)
        .hasMessageContaining("set the clock first");
    assertThat(clock.instant()).isEqualTo(NOW);
    assertThat(kept()).isEqualTo(NOW);
  }

  @Test
  void whatCannotBeWrittenIsNotAccepted() throws IOException {
    RunningClock clock = openAt(NOW.plus(Duration.ofDays(5000)));
    // A folder in the place of the temporary file, which nobody can write through.
    Files.createDirectories(folder.resolve("clock.new/full"));
    assertThatThrownBy(clock::accept).isInstanceOf(IOException.class);
    assertThat(clock.read().isTrusted()).isFalse();
    assertThat(kept()).isEqualTo(NOW.plus(Duration.ofDays(5000)));
    assertThat(clock.status().fault()).isPresent();
  }

  @Test
  void aDiskThatCannotBeWrittenTakesNothingFromTheClock() throws IOException {
    RunningClock clock = openAt(NOW);
    Files.createDirectories(folder.resolve("clock.new/full"));
    clock.keep();
    machine.pass(Duration.ofHours(1));
    clock.look();
    clock.keep();
    assertThat(clock.read())
        .isEqualTo(new TrustedClock.Reading(NOW.plus(Duration.ofHours(1)), Trust.TRUSTED));
    assertThat(clock.status().fault()).get().asString().contains("can't be written");
    Files.delete(folder.resolve("clock.new/full"));
    machine.pass(Duration.ofMinutes(2));
    clock.look();
    clock.keep();
    assertThat(clock.status().fault()).isEmpty();
    assertThat(kept()).isEqualTo(machine.clock());
  }

  @Test
  void onAFileSystemThatTakesNoFilesTimeGoesOnAndNothingIsAccepted() {
    Path nowhere = Path.of("/proc/vouchsafe-clock");
    RunningClock clock =
        new RunningClock(
            new ClockSettings(nowhere, BUILT, Untrusted.BOUNDED), machine, Optional::empty);
    clock.keep();
    machine.pass(SECOND);
    assertThat(clock.read()).isEqualTo(new TrustedClock.Reading(NOW.plus(SECOND), Trust.TRUSTED));
    assertThat(clock.status().fault()).get().asString().contains("can't be written");
    assertThatThrownBy(clock::accept).isInstanceOf(IOException.class);
    clock.close();
    assertThat(nowhere).doesNotExist();
  }

  @Test
  void theFloorIsWrittenOnceInFiveMinutesAndNotAtEachLook() throws IOException {
    RunningClock clock = openAt(NOW.minus(Duration.ofDays(1)));
    clock.keep();
    assertThat(kept()).isEqualTo(NOW);
    for (int i = 0; i < 299; i++) {
      machine.pass(SECOND);
      clock.look();
      clock.keep();
    }
    assertThat(kept()).isEqualTo(NOW);
    machine.pass(SECOND);
    clock.look();
    clock.keep();
    assertThat(kept()).isEqualTo(NOW.plus(FloorKeeper.EVERY));
  }

  @Test
  void withoutAFloorTheLedgersNewestIsTheFloor() {
    machine.set(NOW.minus(Duration.ofDays(1)));
    RunningClock clock = open(Untrusted.BOUNDED, Optional.of(NOW));
    assertThat(clock.status().verdict()).isEqualTo(ClockVerdict.BEHIND_FLOOR);
    assertThat(clock.instant()).isEqualTo(NOW);
    assertThat(clock.status().fault()).isEmpty();
  }

  @Test
  void aDamagedFloorIsToldAndTheLedgersNewestTakenInItsPlace() throws IOException {
    Files.writeString(file(), "floor 1999");
    RunningClock clock = open(Untrusted.BOUNDED, Optional.of(NOW.plus(Duration.ofDays(1))));
    assertThat(clock.status().fault()).get().asString().contains("damaged");
    assertThat(clock.instant()).isEqualTo(NOW.plus(Duration.ofDays(1)));
    clock.keep();
    assertThat(kept()).isEqualTo(NOW.plus(Duration.ofDays(1)));
    assertThat(clock.status().fault()).isEmpty();
  }

  @Test
  void whereTheLedgerCannotTellEitherTheBuildIsTheFloor() throws IOException {
    Files.writeString(file(), "");
    RunningClock clock =
        new RunningClock(
            new ClockSettings(file(), BUILT, Untrusted.BOUNDED),
            machine,
            () -> {
              throw new IOException("damaged as well");
            });
    assertThat(clock.status().floor()).isEqualTo(NOW);
    machine.set(EPOCH);
    clock.look();
    assertThat(clock.instant()).isEqualTo(NOW);
  }

  @ParameterizedTest
  @EnumSource(Untrusted.class)
  void theOperatorChoosesWhatAnUntrustedTimeIsGoodFor(Untrusted untrusted) {
    machine.set(EPOCH);
    RunningClock clock = open(untrusted, Optional.of(NOW));
    assertThat(clock.read().trust())
        .isEqualTo(untrusted == Untrusted.STOP ? Trust.STOPPED : Trust.BOUNDED);
    assertThat(clock.status().untrusted()).isEqualTo(untrusted);
  }

  @Test
  void aLifeIsBoundedWhileTheTimeIsNotTrusted() {
    TrustedClock.Reading bounded = new TrustedClock.Reading(NOW, Trust.BOUNDED);
    assertThat(bounded.bounded(Duration.ofDays(30))).isEqualTo(TrustedClock.LONGEST_UNTRUSTED);
    assertThat(bounded.bounded(SECOND)).isEqualTo(SECOND);
    assertThat(new TrustedClock.Reading(NOW, Trust.TRUSTED).bounded(Duration.ofDays(30)))
        .isEqualTo(Duration.ofDays(30));
  }

  @Test
  void aListenerThatFailsTakesNothingFromTheOthers() throws IOException {
    RunningClock clock = openAt(NOW);
    clock.listen(change -> {
      throw new IllegalStateException("not mine");
    });
    List<ClockChange> later = new ArrayList<>();
    clock.listen(later::add);
    machine.set(NOW.plus(Duration.ofDays(1)));
    clock.look();
    clock.deliver();
    assertThat(later).hasSize(1);
    assertThat(changes).hasSize(1);
  }
}
