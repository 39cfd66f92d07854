package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Callers in containers of a real Docker engine. */
@Timeout(120)
class DockerTest {
  private static Optional<PrivateDocker> started = Optional.empty();

  @TempDir Path folder;
  private PrivateDocker docker;
  private Attestations at;

  @BeforeAll
  static void startEngine() throws IOException {
    started = PrivateDocker.start();
  }

  @AfterAll
  static void stopEngine() {
    started.ifPresent(PrivateDocker::close);
  }

  @BeforeEach
  void open() throws Exception {
    assumeTrue(started.isPresent(), "needs root and a container engine");
    docker = started.get();
    at =
        new Attestations(
            folder,
            new AttestationSettings(true, Optional.of(docker.socket), Optional.empty()),
            new Kernel(),
            ExecutableHashes.Limits.DEFAULT);
  }

  @AfterEach
  void close() throws IOException {
    if (at != null) {
      at.close();
      // A client that is killed leaves its container running, or being removed.
      String left = docker.run("ps", "-aq");
      while (!left.isEmpty()) {
        Commands.status(docker.command("rm", "-f", left.lines().findFirst().orElseThrow()));
        left = docker.run("ps", "-aq");
      }
    }
  }

  private Peer container(String name, String... options) throws IOException {
    return Peer.connect(
        at.listener, Peer.PERL, docker.launcher(name, PrivateDocker.IMAGE, folder, options));
  }

  private String digest(String image) throws IOException {
    return docker.run("image", "inspect", "--format", "{{.Id}}", image);
  }

  @Test
  void aProcessInAContainerIsWhatTheEngineSaysOfIt() throws Exception {
    try (Peer peer = container("web", "--label", "own=yes")) {
      String id = docker.run("inspect", "--format", "{{.Id}}", "web");
      for (String holds :
          List.of(
              "container:engine:docker",
              "container:id:" + id,
              "container:name:web",
              "container:name:w*",
              "container:image:" + PrivateDocker.IMAGE,
              "container:image-digest:" + digest(PrivateDocker.IMAGE),
              "container:label:tier=front",
              "container:label:own=y*")) {
        assertThat(at.patiently(peer, "unix:uid:0", holds)).as(holds).isEqualTo("attested");
      }
      for (String not :
          List.of(
              "container:engine:podman",
              "container:id:" + "0".repeat(64),
              "container:name:we",
              "container:image:vouchsafe/bare:2",
              "container:image-digest:sha256:" + "0".repeat(64),
              "container:label:tier=back",
              "unix:uid:1")) {
        assertThat(at.patiently(peer, "container:name:web", not))
            .as(not)
            .isEqualTo("refused: selector-mismatch");
      }
    }
  }

  @Test
  void aProcessInAContainerIsNoneOfTheHostAndOneOfTheHostIsInNoContainer() throws Exception {
    try (Peer inside = container("web");
        Peer outside = Peer.connect(at.listener)) {
      assertThat(at.verdict(inside, "unix:uid:0")).startsWith("refused: foreign-");
      assertThat(at.verdict(outside, "unix:uid:0")).isEqualTo("attested");
      assertThat(at.verdict(outside, "container:name:web")).isEqualTo("refused: selector-mismatch");
      assertThat(at.verdict(outside, "container:name:w*")).isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void anotherContainerWithTheSameProgramAndUserIsRefused() throws Exception {
    docker.importImage("vouchsafe/other:1", "LABEL tier=back");
    try (Peer web = container("web");
        Peer other =
            Peer.connect(
                at.listener, Peer.PERL, docker.launcher("other", "vouchsafe/other:1", folder))) {
      String wanted = "container:image-digest:" + digest(PrivateDocker.IMAGE);
      assertThat(at.verdict(web, wanted)).isEqualTo("attested");
      assertThat(at.verdict(other, wanted)).isEqualTo("refused: selector-mismatch");
      assertThat(at.verdict(other, "container:name:web")).isEqualTo("refused: selector-mismatch");
      assertThat(at.verdict(other, "container:name:other")).isEqualTo("attested");
    }
  }

  @Test
  void pathAndHashDoNotHoldInsideAContainer() throws Exception {
    try (Peer peer = container("web")) {
      String path = "unix:path:" + Peer.PERL.toRealPath();
      assertThat(at.verdict(peer, "container:name:web", path))
          .isEqualTo("refused: selector-mismatch");
      assertThat(at.verdict(peer, "container:name:web", "unix:sha256:" + "0".repeat(64)))
          .isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void aContainersOwnUserIsMeasuredToo() throws Exception {
    try (Peer peer = container("web", "--user", "65534:65534")) {
      assertThat(at.patiently(peer, "container:name:web", "unix:uid:65534")).isEqualTo("attested");
      assertThat(at.verdict(peer, "container:name:web", "unix:uid:0"))
          .isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void anEngineThatStandsStillIsUnavailableAndWhatIsCertainStaysRefused() throws Exception {
    try (Peer peer = container("web");
        Peer outside = Peer.connect(at.listener)) {
      docker.signal("STOP");
      try {
        assertThat(at.verdict(peer, "container:name:web"))
            .isEqualTo("unavailable: measurement-timeout");
        assertThat(at.verdict(peer, "container:engine:podman"))
            .isEqualTo("refused: selector-mismatch");
        assertThat(at.verdict(peer, "unix:uid:1", "container:name:web"))
            .isEqualTo("refused: selector-mismatch");
        assertThat(at.verdict(outside, "container:name:web"))
            .isEqualTo("refused: selector-mismatch");
      } finally {
        docker.signal("CONT");
      }
      assertThat(at.patiently(peer, "container:name:web")).isEqualTo("attested");
    }
  }

  @Test
  void aCgroupOfAContainersFormThatTheEngineDoesNotKnowIsRefused() throws Exception {
    Path tree =
        List.of(Path.of("/sys/fs/cgroup/unified"), Path.of("/sys/fs/cgroup")).stream()
            .filter(p -> Files.isWritable(p.resolve("cgroup.procs")))
            .findFirst()
            .orElse(Path.of("/nowhere"));
    assumeTrue(Files.exists(tree), "needs a cgroup tree that can be written");
    String id = (UUID.randomUUID() + "" + UUID.randomUUID()).replace("-", "");
    Path forged = Files.createDirectories(tree.resolve("docker").resolve(id));
    try {
      try (Peer peer = Peer.connect(at.listener)) {
        // The listener has accepted; a caller is what it is at its first look.
        Files.writeString(forged.resolve("cgroup.procs"), Long.toString(peer.pid()));
        assertThat(at.verdict(peer, "container:id:" + id)).isEqualTo("refused: selector-mismatch");
        assertThat(at.verdict(peer, "container:engine:docker"))
            .isEqualTo("refused: selector-mismatch");
      }
    } finally {
      Files.delete(forged);
    }
  }

  @Test
  void aContainerMadeAnewUnderTheSameNameIsThatNameButNotThatId() throws Exception {
    String id;
    try (Peer peer = container("first")) {
      id = docker.run("inspect", "--format", "{{.Id}}", "first");
      assertThat(at.verdict(peer, "container:id:" + id)).isEqualTo("attested");
      docker.run("rename", "first", "old");
      try (Peer again = container("first")) {
        assertThat(at.verdict(again, "container:name:first")).isEqualTo("attested");
        assertThat(at.verdict(again, "container:id:" + id)).isEqualTo("refused: selector-mismatch");
      }
    }
  }

  @Test
  void anAlternativeMayNameTheContainerOrTheHost() throws Exception {
    try (Peer inside = container("web");
        Peer outside = Peer.connect(at.listener);
        Caller in = at.attestor.accept(inside.socket());
        Caller out = at.attestor.accept(outside.socket())) {
      Registration either =
          Samples.registration(
              List.of("unix:uid:0"),
              List.of(List.of("container:name:web"), List.of("unix:gid:0")),
              List.of());
      assertThat(reason(at.attestor.measure(in, either))).isEqualTo("attested");
      assertThat(reason(at.attestor.measure(out, either))).isEqualTo("attested");
      Registration excluded =
          Samples.registration(
              List.of("container:engine:docker"),
              List.of(List.of("unix:uid:0")),
              List.of("container:label:tier=*"));
      assertThat(reason(at.attestor.measure(in, excluded))).isEqualTo("refused: selector-mismatch");
    }
  }
}
