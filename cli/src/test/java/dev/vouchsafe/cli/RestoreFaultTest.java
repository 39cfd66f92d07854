package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vouchsafe.ca.CertificateAuthorities;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A restore that is killed, or has no room, leaves the old home or the new one, never a mixture.
 */
class RestoreFaultTest {
  @TempDir Path folder;
  private Path disk;
  private Path backup;

  @BeforeEach
  void makeABackup() throws Exception {
    disk = Files.createDirectory(folder.resolve("disk"));
    backup = folder.resolve("b.zip");
  }

  @AfterEach
  void unmount() throws Exception {
    int _ = mount("umount", "-l", disk.toString());
  }

  private Path root() {
    return disk.resolve("h");
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(root()).clock(Clock.systemUTC()).run(args);
  }

  private void makeHome() throws Exception {
    assertThat(run("init").code()).isZero();
    // In the backup, and no longer in the home: so it tells the two apart.
    try (ServiceProcess service =
        ServiceProcess.start(root(), folder.resolve("log"), List.of(), "serve")) {
      assertThat(service.line()).startsWith("ready ");
      CliRun.Ended made = run("backup", "--out", backup.toString());
      assertThat(made.code()).as(made.err()).isZero();
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    Files.writeString(Home.at(root()).data().resolve("old"), "old");
  }

  private static int mount(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    process.getInputStream().readAllBytes();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  @Test
  void aKilledRestoreLeavesTheOldHomeOrTheNewOne() throws Exception {
    killAtAnyMoment(3, 21);
  }

  @Test
  @Tag("fault")
  @Timeout(value = 15, unit = TimeUnit.MINUTES)
  void aHundredKilledRestoresLeaveTheOldHomeOrTheNewOne() throws Exception {
    killAtAnyMoment(100, 22);
  }

  private void killAtAnyMoment(int rounds, long seed) throws Exception {
    makeHome();
    Random random = new Random(seed);
    Home home = Home.at(root());
    for (int round = 0; round < rounds; round++) {
      if (!Files.exists(home.data().resolve("old"))) {
        Files.writeString(home.data().resolve("old"), "old");
      }
      try (ServiceProcess restore =
          ServiceProcess.start(
              root(),
              folder.resolve("log"),
              List.of(),
              "restore",
              backup.toString(),
              "--accept-gap")) {
        Await.until(() -> Files.exists(home.restoreStage().resolve("data")) || !restore.isAlive());
        LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(600_000)));
        restore.signal("KILL");
        int _ = restore.ended();
      }
      assertWhole(home, Files.exists(home.data().resolve("old")));
      CliRun.Ended again = run("restore", backup.toString(), "--accept-gap");
      assertThat(again.code()).as(again.err()).isZero();
      assertWhole(home, false);
      assertThat(home.restoreStage().resolve("data")).doesNotExist();
    }
  }

  /** The new one is not without its gap: its ledger's generations were passed over. */
  private static void assertWhole(Home home, boolean old) throws IOException {
    assertThat(home.data().resolve("old").toFile().exists()).isEqualTo(old);
    assertThat(CertificateAuthorities.newest(home.data())).isPresent();
    for (String file : List.of("format", "jwks.json", "trust-bundle.json", "clock")) {
      assertThat(home.data().resolve(file)).isNotEmptyFile();
    }
    assertThat(CliRun.at(Home.parent(home.data())).clock(Clock.systemUTC()).run("check").out())
        .doesNotContain("FAIL  key store", "FAIL  format");
  }

  @Test
  @Tag("fault")
  void onAFullDiskAtAnyStepTheOldHomeStaysAndWithRoomItIsRestored() throws Exception {
    assumeTrue(
        mount("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk.toString()) == 0,
        "mounting takes root");
    makeHome();
    Home home = Home.at(root());
    Path ballast = disk.resolve("ballast");
    boolean restored = false;
    // Each time a little more room: so it ends at each step.
    for (int left = 0; left < 2048 && !restored; left += left < 256 ? 16 : 64) {
      fill(ballast, left * 1024L);
      CliRun.Ended ended = run("restore", backup.toString(), "--accept-gap");
      restored = ended.code() == 0;
      if (!restored) {
        assertThat(ended.code()).as(ended.err()).isEqualTo(1);
        assertThat(ended.err()).doesNotContain("internal error");
        assertThat(home.data().resolve("old")).exists();
        assertThat(home.restoreStage().resolve("data")).doesNotExist();
      }
      Files.delete(ballast);
    }
    assertThat(restored).isTrue();
    assertWhole(home, false);
    try (ServiceProcess service =
        ServiceProcess.start(root(), folder.resolve("log"), List.of(), "serve")) {
      assertThat(service.line()).startsWith("ready ");
      Await.until(() -> run("ca", "show").out().matches("(?s).*device-[0-9]{4,}.*"));
      fill(ballast, 64 * 1024L);
      CliRun.Ended full = run("backup", "--out", folder.resolve("c.zip").toString());
      assertThat(full.code()).as(full.err()).isEqualTo(4);
      assertThat(folder.resolve("c.zip")).doesNotExist();
      assertThat(home.backups()).doesNotExist();
      Files.delete(ballast);
      Await.until(() -> run("backup", "--out", folder.resolve("c.zip").toString()).code() == 0);
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
  }

  /** All but that much. */
  private static void fill(Path ballast, long left) throws IOException {
    byte[] page = new byte[4096];
    long written = 0;
    try (OutputStream out = Files.newOutputStream(ballast)) {
      while (true) {
        out.write(page);
        written += page.length;
      }
    } catch (IOException full) {
      assertThat(full).hasMessageContaining("space");
    }
    try (var channel = FileChannel.open(ballast, StandardOpenOption.WRITE)) {
      channel.truncate(Math.max(0, written - left));
    }
  }
}
