package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The disk is full in each step of a rotation, with a little more room each time, until the step is
 * taken. Takes root to mount: elsewhere it is skipped.
 */
@Tag("fault")
class RotationOnFullDiskTest {
  private static final int MOST_ROOM = 1024;

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
        Files.readString(configuration).replace("[listen]\n", "[listen]\nhttps = \"127.0.0.1:0\"\n")
            + "\n[rotation]\nautomatic = false\n");
    CliRun.Ended added =
        run(
            "module",
            "add",
            "web",
            "--profile",
            "server",
            "--dns",
            "a.example",
            "--selector",
            "unix:uid:" + FileTrust.ownUser());
    assertThat(added.code()).as(added.err()).isZero();
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

  /** All but so many KiB. */
  private Path fill(int left) throws IOException {
    Path ballast = disk.resolve("ballast");
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
    try (FileChannel channel = FileChannel.open(ballast, StandardOpenOption.WRITE)) {
      FileChannel _ = channel.truncate(Math.max(0, written - left * 1024L));
    }
    return ballast;
  }

  private ServiceProcess serve() throws IOException {
    ServiceProcess service =
        ServiceProcess.start(root(), folder.resolve("log"), List.of(), "serve");
    assertThat(service.line())
        .as("%s", Files.readString(folder.resolve("log")))
        .startsWith("ready ");
    return service;
  }

  /** The ids of authorities of that role in that state. */
  private List<String> in(String role, String state) throws IOException {
    List<String> ids = new ArrayList<>();
    for (JsonNode item : run("ca", "show", "-o", "json").json().path("items")) {
      if (item.path("role").asText().equals(role) && item.path("state").asText().equals(state)) {
        ids.add(item.path("id").asText());
      }
    }
    return ids;
  }

  private void assertWholeAndServing() throws Exception {
    assertThat(in("root", "active")).hasSize(1);
    assertThat(in("device", "active")).hasSize(1);
    assertThat(in("device", "prepared")).hasSizeLessThanOrEqualTo(1);
    Await.until(() -> run("fetch", "certificate", "--profile", "server").code() == 0);
    CliRun.Ended status = run("ca", "status");
    assertThat(status.code()).as(status.err()).isZero();
  }

  /** Returns how often it was not taken. */
  private int takenInTheEnd(List<String> step) throws Exception {
    int refused = 0;
    for (int left = 0; left <= MOST_ROOM; left += left < 64 ? 4 : 32) {
      Path ballast = fill(left);
      CliRun.Ended ended = run(step.toArray(String[]::new));
      Files.delete(ballast);
      assertWholeAndServing();
      if (ended.code() == 0) {
        return refused;
      }
      assertThat(ended.code()).as("%s with %d KiB: %s", step, left, ended.err()).isEqualTo(4);
      assertThat(ended.err()).doesNotContain("internal");
      refused++;
    }
    throw new AssertionError(step + " is not taken, however much room there is");
  }

  @Test
  @Timeout(value = 10, unit = TimeUnit.MINUTES)
  void eachStepIsUnavailableOrTakenAndSpaceLetsItGoOn() throws Exception {
    int refused = 0;
    try (ServiceProcess service = serve()) {
      refused += takenInTheEnd(List.of("ca", "prepare"));
      refused += takenInTheEnd(List.of("ca", "abort"));
      refused += takenInTheEnd(List.of("ca", "prepare"));
      refused += takenInTheEnd(List.of("ca", "activate"));
      refused += takenInTheEnd(List.of("ca", "retire", "--now"));
      refused += takenInTheEnd(List.of("ca", "prepare", "--authority", "root"));
      refused += takenInTheEnd(List.of("ca", "publish"));
      refused += takenInTheEnd(List.of("ca", "activate", "--authority", "root", "--now"));
      refused += takenInTheEnd(List.of("ca", "retire", "--authority", "root", "--now"));
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    assertThat(refused).as("else the disk was not full").isPositive();
    try (ServiceProcess service = serve()) {
      assertWholeAndServing();
      assertThat(in("root", "active")).doesNotContain("root-1");
      assertThat(in("root", "retired")).contains("root-1");
      service.signal("TERM");
      assertThat(service.ended()).isZero();
    }
    assertThat(run("audit", "verify").out()).contains("The log is sound");
  }
}
