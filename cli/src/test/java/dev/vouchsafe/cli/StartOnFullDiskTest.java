package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The service starts on a disk that is full, which takes root to mount: elsewhere it is skipped.
 */
@Tag("fault")
class StartOnFullDiskTest {
  @TempDir Path folder;
  private Path disk;

  @BeforeEach
  void makeAHome() throws Exception {
    disk = Files.createDirectory(folder.resolve("disk"));
    assumeTrue(
        mount("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk.toString()) == 0,
        "mounting takes root");
    assertThat(run("init").code()).isZero();
    Path configuration = Home.at(root()).configuration();
    Files.writeString(
        configuration,
        Files.readString(configuration)
            .replace("[listen]\n", "[listen]\nhttps = \"127.0.0.1:0\"\n"));
    assertThat(
            run(
                    "module",
                    "add",
                    "web",
                    "--profile",
                    "server",
                    "--dns",
                    "a.example",
                    "--selector",
                    "unix:uid:" + FileTrust.ownUser())
                .code())
        .isZero();
  }

  @AfterEach
  void unmount() throws Exception {
    int _ = mount("umount", "-l", disk.toString());
  }

  private static int mount(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    process.getInputStream().readAllBytes();
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  private Path root() {
    return disk.resolve("h");
  }

  private CliRun.Ended run(String... args) {
    return CliRun.at(root()).clock(Clock.systemUTC()).run(args);
  }

  /** To the last octet. */
  private Path fill() throws IOException {
    Path ballast = disk.resolve("ballast");
    byte[] page = new byte[4096];
    try (OutputStream out = Files.newOutputStream(ballast)) {
      while (true) {
        out.write(page);
      }
    } catch (IOException full) {
      assertThat(full).hasMessageContaining("space");
    }
    return ballast;
  }

  private ServiceProcess serve() throws IOException {
    // Its own log lies elsewhere, as journald's does.
    return ServiceProcess.start(root(), folder.resolve("log"), List.of(), "serve");
  }

  private CliRun.Ended certificate() {
    return run("fetch", "certificate", "--profile", "server", "-o", "json");
  }

  private void assertServedWhatNeedsNoDiskAndGoesOnWithSpace(Path ballast) throws Exception {
    try (ServiceProcess service = serve()) {
      assertThat(service.line())
          .as("%s", Files.readString(folder.resolve("log")))
          .startsWith("ready ");
      assertThat(run("fetch", "bundle").out()).contains("BEGIN CERTIFICATE");
      assertThat(run("fetch", "identity").code()).isZero();
      // What is left of a page takes a few.
      CliRun.Ended ended = certificate();
      for (int i = 0; i < 50 && ended.code() == 0; i++) {
        ended = certificate();
      }
      assertThat(ended.code()).as("unavailable, not refused: %s", ended.err()).isEqualTo(4);
      assertThat(ended.out()).doesNotContain("BEGIN");
      assertThat(run("fetch", "bundle").out()).contains("BEGIN CERTIFICATE");
      Files.delete(ballast);
      Await.until(() -> certificate().code() == 0);
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    assertThat(run("audit", "verify").out()).contains("The log is sound");
  }

  @Test
  void afterAKillTheServiceStartsServesTheBundleAndIssuesWhenThereIsSpace() throws Exception {
    try (ServiceProcess service = serve()) {
      assertThat(service.line()).startsWith("ready ");
      assertThat(certificate().code()).isZero();
      Path ballast = fill();
      service.signal("KILL");
      int _ = service.ended();
      assertServedWhatNeedsNoDiskAndGoesOnWithSpace(ballast);
    }
  }

  @Test
  void afterAnOrderlyEndOnAFullDiskItStartsAsWell() throws Exception {
    try (ServiceProcess service = serve()) {
      assertThat(service.line()).startsWith("ready ");
      assertThat(certificate().code()).isZero();
      Path ballast = fill();
      service.signal("TERM");
      int _ = service.ended();
      assertServedWhatNeedsNoDiskAndGoesOnWithSpace(ballast);
    }
  }

  /** The ledger's database needs an index of 32 KiB beside it, which an orderly end removes. */
  @Test
  void withoutTheRoomThatItsEndLeftTheServiceSaysWhyItDoesNotStartAndLosesNothing()
      throws Exception {
    try (ServiceProcess service = serve()) {
      assertThat(service.line()).startsWith("ready ");
      assertThat(certificate().code()).isZero();
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    Path ballast = fill();
    try (ServiceProcess service = serve()) {
      assertThat(service.line()).isNull();
      assertThat(service.ended()).isNotZero();
      assertThat(Files.readString(folder.resolve("log"))).contains("ca.db", "full");
    }
    Files.delete(ballast);
    try (ServiceProcess service = serve()) {
      assertThat(service.line()).startsWith("ready ");
      assertThat(certificate().code()).isZero();
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    assertThat(run("audit", "verify").out()).contains("The log is sound");
  }
}
