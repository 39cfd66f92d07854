package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.OTHER;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Attacks by processes that want to be taken for a container's. The containers are cgroups as the
 * engines make them; the engine is a program that says of one container what an engine would.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ContainerAttacksTest {
  private static final int ISSUED = 201;
  private static final int REFUSED = 403;
  private static final int UNAVAILABLE = 503;
  private static final Duration SOON = Duration.ofSeconds(2);

  private final Random random = new Random(7);
  private AttackGround ground;
  private Path trusted;
  private Path engines;
  private OwnCgroup cgroups;

  /** A new one for each test, since what an engine says is kept for a second. */
  private String id = "";

  @BeforeAll
  void open() throws Exception {
    engines = Files.createTempDirectory(Path.of("/tmp"), "vse");
    ground =
        AttackGround.open(
            "[attestation]\ndocker = \"%s\"\npodman = \"%s\"\n"
                .formatted(engines.resolve("docker.sock"), engines.resolve("podman.sock")));
    trusted = ground.trusted();
    ground.register("host", List.of(uid(OTHER)));
  }

  @AfterAll
  void close() throws IOException {
    if (ground != null) {
      ground.close();
    }
    if (engines != null) {
      Files.delete(engines);
    }
  }

  @BeforeEach
  void containerOfItsOwn() throws Exception {
    cgroups = OwnCgroup.open();
    byte[] octets = new byte[32];
    random.nextBytes(octets);
    id = HexFormat.of().formatHex(octets);
    ground.register("contained", List.of("container:id:" + id));
    ground.register("named", List.of("container:name:victim", "container:image:shop/victim:1"));
  }

  @AfterEach
  void takeAway() throws IOException {
    cgroups.close();
    for (String name : List.of("docker.sock", "podman.sock")) {
      Files.deleteIfExists(engines.resolve(name));
    }
  }

  /** What an engine says of the container, whose first process that is. */
  private String json(long first) {
    return """
    {"Id":"%s","Name":"/victim","Image":"sha256:%s","State":{"Running":true,"Pid":%d},
     "Config":{"Image":"shop/victim:1","Labels":{}}}\
    """
        .formatted(id, "5".repeat(64), first);
  }

  private Attacker engine(long uid, Path socket, long first) throws Exception {
    Attacker engine =
        Attacker.start(
            AttackGround.as(
                uid, ground.program("fake_engine"), socket.toString(), id, json(first)));
    engine.expect("ready");
    return engine;
  }

  /** Root's engine, at that name. */
  private Attacker engine(String name, long first) throws Exception {
    Path socket = engines.resolve(name);
    Attacker engine = engine(0, socket, first);
    Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
    return engine;
  }

  /** The first process of the container, in its cgroup. */
  private Attacker first(Path cgroup) throws Exception {
    Attacker first = Attacker.start(OwnCgroup.in(cgroup, AttackGround.as(MODULE, trusted, "stay")));
    first.expect("ready");
    return first;
  }

  private List<String> asks(long uid, String module) {
    return AttackGround.as(uid, trusted, "ask", ground.socket(), certificateOf(module));
  }

  private int askIn(Path cgroup, String module) throws Exception {
    return AttackGround.answer(OwnCgroup.in(cgroup, asks(MODULE, module)));
  }

  /** What a user gets who has made a cgroup of that path below the one that he was given. */
  private int askInOneOfHisOwn(Path given, String path, String module) throws Exception {
    List<String> own =
        AttackGround.as(
            OTHER,
            OwnCgroup.inOneOfItsOwn(
                given.resolve(path),
                List.of(trusted.toString(), "ask", ground.socket(), certificateOf(module))));
    return AttackGround.answer(OwnCgroup.in(given, own));
  }

  @Test
  void aProcessOfTheContainerIsServedAndOneOfTheHostGetsNothing() throws Exception {
    Path container = cgroups.make("docker/" + id);
    try (Attacker first = first(container);
        Attacker _ = engine("docker.sock", first.pid())) {
      assertThat(askIn(container, "contained")).isEqualTo(ISSUED);
      assertThat(askIn(container, "named")).isEqualTo(ISSUED);
      assertThat(AttackGround.answer(asks(OTHER, "contained"))).isEqualTo(REFUSED);
      assertThat(AttackGround.answer(asks(OTHER, "named"))).isEqualTo(REFUSED);
      assertThat(AttackGround.answer(asks(0, "named"))).isEqualTo(REFUSED);
    }
  }

  @Test
  void aProcessOfAContainerGetsNothingOfAModuleOfTheHostThatHasItsUser() throws Exception {
    Path container = cgroups.make("docker/" + id);
    assertThat(AttackGround.answer(OwnCgroup.in(container, asks(OTHER, "host"))))
        .isEqualTo(REFUSED);
    assertThat(AttackGround.answer(asks(OTHER, "host"))).isEqualTo(ISSUED);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "docker/%s",
        "docker-%s.scope",
        "system.slice/docker-%s.scope",
        "libpod_parent/libpod-%s",
        "machine.slice/libpod-%s.scope",
        "system.slice/own.service/libpod-payload-%s",
        "%s"
      })
  void aCgroupNamedAsTheContainersBelowOneOfAUsersOwnGetsNothing(String path) throws Exception {
    Path container = cgroups.make("docker/" + id);
    Path given = cgroups.delegate("vouchsafe-test-" + ProcessHandle.current().pid(), OTHER);
    try (Attacker first = first(container);
        Attacker _ = engine("docker.sock", first.pid())) {
      assertThat(askInOneOfHisOwn(given, path.formatted(id), "contained")).isEqualTo(REFUSED);
      assertThat(askInOneOfHisOwn(given, path.formatted(id), "named")).isEqualTo(REFUSED);
      assertThat(askIn(container, "contained")).isEqualTo(ISSUED);
    }
  }

  @Test
  void aCgroupNamedAsPodmansBelowAServiceOfAUsersOwnGetsNothing() throws Exception {
    Path given = cgroups.delegate("system.slice/vouchsafe-test.service", OTHER);
    Path container = cgroups.make("machine.slice/libpod-" + id + ".scope");
    try (Attacker first = first(container);
        Attacker _ = engine("podman.sock", first.pid())) {
      assertThat(askInOneOfHisOwn(given, "libpod-payload-" + id, "contained")).isEqualTo(REFUSED);
      assertThat(askIn(container, "contained")).isEqualTo(ISSUED);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "user.slice/libpod-%s.scope",
        "app.slice/docker-%s.scope",
        "docker/%s",
        "machine.slice/libpod-%s.scope"
      })
  void aContainerOfARootlessEngineIsNoneWhateverItsEngineSays(String path) throws Exception {
    String slice = "user.slice/user-%d.slice/user@%d.service".formatted(OTHER, OTHER);
    Path given = cgroups.delegate(slice, OTHER);
    Path victim = cgroups.make("machine.slice/libpod-" + id + ".scope");
    Path socket = ground.folderOf(OTHER, "rootless").resolve("p" + id.substring(0, 8));
    List<String> stays =
        OwnCgroup.in(
            given,
            AttackGround.as(
                OTHER,
                OwnCgroup.inOneOfItsOwn(
                    given.resolve("first"), List.of(trusted.toString(), "stay"))));
    try (Attacker own = Attacker.start(stays)) {
      own.expect("ready");
      // His engine knows a container of that very id; root's knows the victim's.
      try (Attacker _ = engine(OTHER, socket, own.pid());
          Attacker first = first(victim);
          Attacker _ = engine("podman.sock", first.pid())) {
        assertThat(askInOneOfHisOwn(given, path.formatted(id), "contained")).isEqualTo(REFUSED);
        assertThat(askInOneOfHisOwn(given, path.formatted(id), "named")).isEqualTo(REFUSED);
        assertThat(askIn(victim, "contained")).isEqualTo(ISSUED);
      }
    }
  }

  /** So that no line of /proc/PID/cgroup is a user's. */
  @Test
  void aCgroupWhoseNameHasALineBreakCanNotBeMade() throws Exception {
    Path given = cgroups.delegate("vouchsafe-test-" + ProcessHandle.current().pid(), OTHER);
    for (String name : List.of("x\n0::", "\n")) {
      List<String> makes = List.of("mkdir", given.resolve(name).toString());
      assertThat(Programs.run(AttackGround.as(OTHER, makes), "").exit()).as(name).isNotZero();
    }
    List<String> makes = List.of("mkdir", given.resolve("x").toString());
    assertThat(Programs.run(AttackGround.as(OTHER, makes), "").exit()).isZero();
  }

  @Test
  void aContainerThatNamesACgroupInsideAsAnotherContainerGetsNothingOfThatOnes() throws Exception {
    Path victim = cgroups.make("docker/" + id);
    Path own = cgroups.delegate("docker/" + "a".repeat(64), OTHER);
    try (Attacker first = first(victim);
        Attacker _ = engine("docker.sock", first.pid())) {
      for (String path : List.of("docker/%s", "%s", "docker-%s.scope")) {
        assertThat(askInOneOfHisOwn(own, path.formatted(id), "contained")).isEqualTo(REFUSED);
        assertThat(askInOneOfHisOwn(own, path.formatted(id), "named")).isEqualTo(REFUSED);
      }
      assertThat(askIn(victim, "contained")).isEqualTo(ISSUED);
    }
  }

  @Test
  void aCgroupNamespaceInWhichOnesOwnCgroupReadsAsTheContainersGetsNothing() throws Exception {
    Path container = cgroups.make("docker/" + id);
    Path given = cgroups.make("vouchsafe-test-" + ProcessHandle.current().pid());
    Path inside = cgroups.make(given.getFileName() + "/docker/" + id);
    List<String> forging =
        new ArrayList<>(
            List.of(
                "unshare",
                "--cgroup",
                "sh",
                "-c",
                "echo $$ > \"$0/cgroup.procs\" && grep -q \"^0::/docker/\" /proc/self/cgroup"
                    + " && exec \"$@\"",
                inside.toString()));
    forging.addAll(asks(OTHER, "contained"));
    try (Attacker first = first(container);
        Attacker _ = engine("docker.sock", first.pid())) {
      assertThat(AttackGround.answer(OwnCgroup.in(given, forging))).isEqualTo(REFUSED);
      assertThat(askIn(container, "contained")).isEqualTo(ISSUED);
    }
  }

  @Test
  void aMountThatStandsInMountinfoAsTheContainersGetsNothing() throws Exception {
    Path container = cgroups.make("docker/" + id);
    Path files = ground.folderOf(OTHER, "containers/" + id);
    Files.createFile(files.resolve("hostname"));
    Programs.run("chmod", "-R", "a+rX", ground.home().beside("containers").toString()).done();
    String script =
        "mount --bind \"$0\" /etc/hostname && grep -q \"$1/hostname /etc/hostname\""
            + " /proc/self/mountinfo && shift && exec \"$@\"";
    List<String> forging =
        new ArrayList<>(
            List.of(
                "unshare",
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                script,
                files.resolve("hostname").toString(),
                id,
                trusted.toString(),
                "ask",
                ground.socket(),
                certificateOf("contained")));
    try (Attacker first = first(container);
        Attacker _ = engine("docker.sock", first.pid())) {
      assertThat(AttackGround.answer(AttackGround.as(OTHER, forging))).isEqualTo(REFUSED);
      assertThat(askIn(container, "contained")).isEqualTo(ISSUED);
    }
  }

  @Test
  void aCallerThatIsMovedToAnotherCgroupGetsNothingMore() throws Exception {
    Path container = cgroups.make("docker/" + id);
    Path other = cgroups.make("vouchsafe-test-" + ProcessHandle.current().pid());
    List<String> kept =
        AttackGround.as(MODULE, trusted, "kept", ground.socket(), certificateOf("contained"));
    try (Attacker first = first(container);
        Attacker _ = engine("docker.sock", first.pid());
        Attacker module = Attacker.start(OwnCgroup.in(container, kept))) {
      assertThat(module.answer()).isEqualTo(ISSUED);
      OwnCgroup.move(other, module.pid());
      module.go();
      assertThat(module.answer()).isEqualTo(REFUSED);
    }
  }

  /** Nothing can be said while the engine can't be believed. */
  private void assertUnavailable(Path container) throws Exception {
    long start = System.nanoTime();
    assertThat(askIn(container, "contained")).isEqualTo(UNAVAILABLE);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(SOON);
  }

  @Test
  void anEngineWhoseSocketIsAnotherUsersIsNotBelieved() throws Exception {
    Path container = cgroups.make("docker/" + id);
    Path own = ground.folderOf(OTHER, "rootless").resolve("d" + id.substring(0, 8));
    try (Attacker first = first(container);
        Attacker _ = engine(OTHER, own, first.pid())) {
      Files.createLink(engines.resolve("docker.sock"), own);
      assertUnavailable(container);
    }
  }

  @Test
  void anEngineWhoseSocketIsRootsButAnotherUserListensIsNotBelieved() throws Exception {
    Path container = cgroups.make("docker/" + id);
    Path own = ground.folderOf(OTHER, "rootless").resolve("r" + id.substring(0, 8));
    try (Attacker first = first(container);
        Attacker _ = engine(OTHER, own, first.pid())) {
      Path socket = Files.createLink(engines.resolve("docker.sock"), own);
      Programs.run("chown", "0:0", socket.toString()).done();
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw----"));
      assertUnavailable(container);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0666", "0777"})
  void anEngineWhoseSocketAnybodyMayUseIsNotBelieved(String mode) throws Exception {
    Path container = cgroups.make("docker/" + id);
    try (Attacker first = first(container);
        Attacker _ = engine("docker.sock", first.pid())) {
      Programs.run("chmod", mode, engines.resolve("docker.sock").toString()).done();
      assertUnavailable(container);
    }
  }

  @Test
  void anEngineInAFolderThatOthersMayWriteIsNotBelieved() throws Exception {
    Path container = cgroups.make("docker/" + id);
    try (Attacker first = first(container);
        Attacker _ = engine("docker.sock", first.pid())) {
      Programs.run("chmod", "0777", engines.toString()).done();
      assertUnavailable(container);
    } finally {
      Programs.run("chmod", "0700", engines.toString()).done();
    }
  }

  @Test
  void anEngineThatIsAwayOrSilentIsUnavailableAndNoRefusal() throws Exception {
    Path container = cgroups.make("docker/" + id);
    assertUnavailable(container);
    String fresh = "b".repeat(64);
    ground.register("contained", List.of("container:id:" + fresh));
    Path other = cgroups.make("docker/" + fresh);
    try (Attacker engine =
        Attacker.start(
            AttackGround.as(
                0, ground.program("fake_engine"), engines.resolve("docker.sock").toString(), id))) {
      engine.expect("ready");
      Files.setPosixFilePermissions(
          engines.resolve("docker.sock"), PosixFilePermissions.fromString("rw-rw----"));
      assertUnavailable(other);
      assertThat(AttackGround.answer(asks(OTHER, "host"))).as("others").isEqualTo(ISSUED);
    }
  }
}
