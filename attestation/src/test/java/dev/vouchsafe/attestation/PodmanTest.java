package dev.vouchsafe.attestation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Callers in containers of a real Podman, which keeps all that it has in the test's folder. */
@Timeout(120)
class PodmanTest {
  @TempDir Path folder;
  private Path socket;
  private @Nullable Process service;
  private @Nullable Attestations at;

  @BeforeEach
  void open() throws Exception {
    boolean can =
        Samples.uid() == 0
            && Files.exists(Path.of("/usr/bin/podman"))
            && Files.exists(Path.of("/usr/sbin/runc"));
    if (!can) {
      System.out.println("No Podman for this test: it takes root, /usr/bin/podman and runc");
    }
    assumeTrue(can, "needs root, podman and runc");
    socket = folder.resolve("podman.sock");
    at =
        new Attestations(
            folder,
            new AttestationSettings(true, Optional.empty(), Optional.of(socket)),
            new Kernel(),
            ExecutableHashes.Limits.DEFAULT);
    Commands.run(podman("import", PrivateDocker.bareImage(folder).toString(), "bare:1"));
    service =
        new ProcessBuilder(podman("system", "service", "--time", "0", "unix://" + socket))
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("log").toFile())
            .start();
    for (int i = 0; i < 300 && !Files.exists(socket); i++) {
      if (service.waitFor(100, TimeUnit.MILLISECONDS)) {
        throw new IOException(Files.readString(folder.resolve("log")));
      }
    }
  }

  @AfterEach
  void close() throws Exception {
    if (service != null) {
      Commands.run(podman("rm", "--all", "--force", "--time", "0"));
      service.destroy();
      service.waitFor();
      awaitCleanUp();
    }
    if (at != null) {
      at.close();
    }
  }

  /** What ends with a container is tidied up by a process of Podman's own, a moment later. */
  private void awaitCleanUp() throws Exception {
    String own = folder.toString();
    for (int i = 0; i < 300; i++) {
      boolean busy =
          ProcessHandle.allProcesses()
                  .flatMap(process -> process.info().commandLine().stream())
                  .anyMatch(line -> line.contains(own))
              || Files.readString(Path.of("/proc/self/mounts")).contains(own);
      if (!busy) {
        return;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
    System.out.println("something of Podman is still busy in " + own);
  }

  private List<String> podman(String... words) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "podman",
                "--root=" + folder.resolve("root"),
                "--runroot=" + folder.resolve("run"),
                "--tmpdir=" + folder.resolve("tmp"),
                "--storage-driver=vfs",
                "--cgroup-manager=cgroupfs",
                "--events-backend=none",
                "--runtime=/usr/sbin/runc"));
    command.addAll(List.of(words));
    return command;
  }

  private Peer container(Attestations at, String name) throws IOException {
    List<String> launcher =
        podman(
            "run",
            "-i",
            "--rm",
            "--name",
            name,
            "--network=none",
            "--ulimit=nofile=1024:1024",
            "--ulimit=nproc=1024:1024",
            "--label=tier=front",
            "-v",
            "/usr:/usr:ro",
            "-v",
            folder + ":" + folder,
            "bare:1");
    return Peer.connect(at.listener, Peer.PERL, launcher.toArray(String[]::new));
  }

  @Test
  void aProcessInAContainerIsWhatPodmanSaysOfIt() throws Exception {
    Attestations here = Objects.requireNonNull(at);
    try (Peer peer = container(here, "web")) {
      String id = Commands.run(podman("inspect", "--format", "{{.Id}}", "web"));
      String image = Commands.run(podman("inspect", "--format", "{{.Image}}", "web"));
      for (String holds :
          List.of(
              "container:engine:podman",
              "container:id:" + id,
              "container:name:web",
              "container:image:localhost/bare:1",
              "container:image-digest:sha256:" + image.replace("sha256:", ""),
              "container:label:tier=front")) {
        assertThat(here.patiently(peer, "unix:uid:0", holds)).as(holds).isEqualTo("attested");
      }
      for (String not :
          List.of(
              "container:engine:docker",
              "container:id:" + "0".repeat(64),
              "container:name:web2",
              "container:image:bare:1",
              "container:label:tier=back")) {
        assertThat(here.patiently(peer, "container:name:web", not))
            .as(not)
            .isEqualTo("refused: selector-mismatch");
      }
      assertThat(here.verdict(peer, "unix:uid:0")).startsWith("refused: foreign-");
    }
  }

  @Test
  void aPodmanThatIsGoneIsUnavailable() throws Exception {
    Attestations here = Objects.requireNonNull(at);
    try (Peer peer = container(here, "web")) {
      Objects.requireNonNull(service).destroyForcibly().waitFor();
      assertThat(here.verdict(peer, "container:name:web"))
          .isEqualTo("unavailable: measurement-timeout");
    }
  }
}
