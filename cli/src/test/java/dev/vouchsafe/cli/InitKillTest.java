package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Kills {@code init} at any moment: what is left is a whole home, or none. */
class InitKillTest {
  @TempDir Path folder;

  @Test
  void aKilledInitLeavesAWholeHomeOrNone() throws Exception {
    killAtAnyMoment(3, 11);
  }

  @Test
  @Tag("fault")
  @Timeout(value = 15, unit = TimeUnit.MINUTES)
  void aHundredKilledInitsLeaveWholeHomesOrNone() throws Exception {
    killAtAnyMoment(100, 12);
  }

  private void killAtAnyMoment(int rounds, long seed) throws Exception {
    Random random = new Random(seed);
    for (int round = 0; round < rounds; round++) {
      Path root = folder.resolve("h" + round);
      int files = random.nextInt(9);
      try (ServiceProcess init = ServiceProcess.start(root, List.of(), "init")) {
        Await.until(() -> entries(root) >= files || !init.isAlive());
        LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(20_000)));
        init.signal("KILL");
        init.ended();
      }
      assertWholeOrNone(root);
    }
  }

  private static void assertWholeOrNone(Path root) {
    Home home = Home.at(root);
    CliRun run = CliRun.at(root).clock(Clock.systemUTC());
    boolean made = Files.exists(home.data());
    CliRun.Ended again = run.run("init");
    assertThat(again.code()).as(again.err()).isEqualTo(made ? 1 : 0);
    assertThat(run.run("check").out()).doesNotContain("FAIL");
    assertThat(home.stage()).doesNotExist();
  }

  private static long entries(Path root) {
    if (Files.notExists(root)) {
      return 0;
    }
    try (Stream<Path> all = Files.walk(root)) {
      return all.count();
    } catch (IOException | UncheckedIOException e) {
      // It changes while it is counted: counted again.
      return 0;
    }
  }
}
