package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.path;
import static dev.vouchsafe.tests.AttackGround.sha256;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Attacks from namespaces, roots and mounts of the attacker's own, in which the trusted program's
 * path means what he likes. No privilege is needed for any of them where a namespace gives it.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NamespaceAttacksTest {
  private static final int ISSUED = 201;
  private static final int REFUSED = 403;
  private static final int UNAVAILABLE = 503;
  private static final List<String> OWN_NAMESPACES =
      List.of("unshare", "--user", "--map-root-user", "--mount");

  private AttackGround ground;
  private Path trusted;
  private Path stranger;

  @BeforeAll
  void open() throws Exception {
    ground = AttackGround.open();
    trusted = ground.trusted();
    stranger = ground.stranger();
    ground.register("loose", List.of(uid(MODULE)));
    ground.register("pinned", List.of(uid(MODULE), path(trusted)));
    ground.register("hashed", List.of(uid(MODULE), sha256(trusted)));
  }

  @AfterAll
  void close() throws IOException {
    if (ground != null) {
      ground.close();
    }
  }

  private void assertTheTrustedProgramIsServed() throws Exception {
    assertThat(ground.ask(MODULE, trusted, "loose")).isEqualTo(ISSUED);
    assertThat(ground.ask(MODULE, trusted, "pinned")).isEqualTo(ISSUED);
    assertThat(ground.ask(MODULE, trusted, "hashed")).isEqualTo(ISSUED);
  }

  private static List<String> joined(List<String> first, String... more) {
    List<String> all = new ArrayList<>(first);
    all.addAll(List.of(more));
    return all;
  }

  private static List<String> inOwnNamespaces(String... command) {
    return AttackGround.as(MODULE, joined(OWN_NAMESPACES, command));
  }

  @Test
  void aStrangerMountedOverTheTrustedPathInANamespaceOfItsOwnGetsNothing() throws Exception {
    String script = "mount --bind \"$1\" \"$0\" && exec \"$0\" kept \"$2\" \"$3\"";
    List<String> command =
        inOwnNamespaces(
            "sh",
            "-c",
            script,
            trusted.toString(),
            stranger.toString(),
            ground.socket(),
            certificateOf("pinned"));
    try (Attacker attacker = Attacker.start(command)) {
      assertThat(attacker.answer()).isEqualTo(REFUSED);
      assertThat(Files.readSymbolicLink(attacker.proc("exe")))
          .as("what a link alone would say")
          .isEqualTo(trusted);
    }
    assertTheTrustedProgramIsServed();
  }

  @Test
  void aStrangerMountedOverTheTrustedPathInTheUserNamespaceOfTheHostGetsNothing() throws Exception {
    // Root mounts, as a careless service manager would for a unit; the caller is in no user
    // namespace.
    List<String> caller =
        AttackGround.as(MODULE, trusted, "kept", ground.socket(), certificateOf("pinned"));
    List<String> command =
        joined(
            List.of("unshare", "--mount", "sh", "-c"),
            "mount --bind \"$0\" \"$1\" && shift && exec \"$@\"",
            stranger.toString(),
            trusted.toString());
    command.addAll(caller);
    try (Attacker attacker = Attacker.start(command)) {
      assertThat(attacker.answer()).isEqualTo(REFUSED);
      assertThat(Files.readSymbolicLink(attacker.proc("exe"))).isEqualTo(trusted);
      assertThat(AttackGround.hash(attacker.proc("exe"))).isEqualTo(AttackGround.hash(stranger));
    }
    assertTheTrustedProgramIsServed();
  }

  /** A root directory in which a stranger lies at the trusted path, and the socket at /s. */
  private Path otherRoot(String name) throws IOException {
    Path root = ground.openFolder(name);
    Path there = root.resolve(trusted.toString().substring(1));
    Files.createDirectories(there.getParent());
    AttackGround.copy(stranger, there);
    Files.createLink(root.resolve("s"), Path.of(ground.socket()));
    return root;
  }

  @Test
  void aStrangerAtTheTrustedPathUnderAnotherRootGetsNothing() throws Exception {
    Path root = otherRoot("root");
    List<String> inNamespace =
        inOwnNamespaces("--root=" + root, trusted.toString(), "ask", "/s", certificateOf("pinned"));
    List<String> byRoot =
        List.of(
            "chroot",
            "--userspec=" + MODULE + ":" + MODULE,
            "--groups=",
            root.toString(),
            trusted.toString(),
            "ask",
            "/s",
            certificateOf("pinned"));
    assertThat(AttackGround.answer(inNamespace)).isEqualTo(REFUSED);
    assertThat(AttackGround.answer(byRoot)).isEqualTo(REFUSED);
    assertTheTrustedProgramIsServed();
  }

  @Test
  void theTrustedProgramInAUserNamespaceOfItsOwnGetsNothing() throws Exception {
    for (String module : List.of("loose", "pinned", "hashed")) {
      assertThat(
              AttackGround.answer(
                  inOwnNamespaces(
                      trusted.toString(), "ask", ground.socket(), certificateOf(module))))
          .as(module)
          .isEqualTo(REFUSED);
    }
    assertTheTrustedProgramIsServed();
  }

  /** As a container's is, by whatever it was made. */
  @ParameterizedTest
  @ValueSource(strings = {"--pid", "--mount"})
  void theTrustedProgramInANamespaceThatRootMadeGetsNothing(String which) throws Exception {
    for (String module : List.of("loose", "pinned")) {
      List<String> command = joined(List.of("unshare", which, "--fork"));
      command.addAll(
          AttackGround.as(MODULE, trusted, "ask", ground.socket(), certificateOf(module)));
      assertThat(AttackGround.answer(command)).as(module).isEqualTo(REFUSED);
    }
    assertTheTrustedProgramIsServed();
  }

  /** An overlay in namespaces of the module's user, with a stranger under the trusted name. */
  private Attacker overlay(Path base) throws Exception {
    for (String name : List.of("lower", "upper", "work", "merged")) {
      Files.createDirectory(base.resolve(name));
    }
    AttackGround.copy(stranger, base.resolve("lower/program"));
    Programs.run("chown", "-R", MODULE + ":" + MODULE, base.toString()).done();
    String script =
        "cd \"$0\" && mount -t overlay overlay"
            + " -o lowerdir=lower,upperdir=upper,workdir=work merged && echo ready && exec cat";
    Attacker holder = Attacker.start(inOwnNamespaces("sh", "-c", script, base.toString()));
    holder.expect("ready");
    return holder;
  }

  private static Path ofSize(long size, Path program, Path to) throws IOException {
    AttackGround.copy(program, to);
    try (RandomAccessFile file = new RandomAccessFile(to.toFile(), "rw")) {
      // What follows a program's own octets is not looked at when it runs.
      file.setLength(size);
    }
    return to;
  }

  /** Starts a file system of the user's own that runs a stranger and shows the trusted program. */
  private Attacker twoFaced(List<String> as, long uid, Path folder, Path runs, Path shown)
      throws Exception {
    Attacker holder =
        Attacker.start(
            joined(
                as,
                ground.program("two_faced").toString(),
                Long.toString(uid),
                folder.toString(),
                runs.toString(),
                shown.toString()));
    holder.expect("ready");
    return holder;
  }

  private Attacker keeps(Path program) throws IOException {
    return Attacker.start(
        AttackGround.as(MODULE, program, "kept", ground.socket(), certificateOf("shown")));
  }

  @Test
  void aFileSystemOfTheUsersOwnThatRunsAStrangerAndShowsTheTrustedProgramGetsNothing()
      throws Exception {
    Path folder = ground.folderOf(MODULE, "two-faced");
    long size = Math.max(Files.size(stranger), Files.size(trusted));
    Path runs = ofSize(size, stranger, ground.openFolder("faces").resolve("runs"));
    Path shown = ofSize(size, trusted, ground.openFolder("faces").resolve("shown"));
    Path program = folder.resolve("program");
    ground.register("shown", List.of(uid(MODULE), sha256(shown)));
    ground.register("at-path", List.of(uid(MODULE), path(program)));
    assertThat(ground.ask(MODULE, shown, "shown")).as("what is shown, itself").isEqualTo(ISSUED);
    // Mounted on the host, as by a helper of root's that any user may run.
    try (Attacker _ = twoFaced(List.of(), MODULE, folder, runs, shown);
        Attacker attacker = keeps(program)) {
      assertThat(attacker.answer()).isEqualTo(REFUSED);
      assertThat(AttackGround.hash(attacker.proc("exe")))
          .as("what a hash alone would say")
          .isEqualTo(AttackGround.hash(shown));
      assertThat(ground.ask(MODULE, program, "at-path")).isEqualTo(REFUSED);
    }
    // In namespaces of his own, executed from the host's.
    try (Attacker holder = twoFaced(inOwnNamespaces(), 0, folder, runs, shown);
        Attacker attacker = keeps(holder.proc("root" + program))) {
      assertThat(attacker.answer()).as("not even root may look").isIn(REFUSED, UNAVAILABLE);
    }
    assertTheTrustedProgramIsServed();
  }

  @Test
  void anOverlayThatShowsTheTrustedContentWhileAnotherRunsGetsNothing() throws Exception {
    Path base = ground.openFolder("overlay");
    try (Attacker holder = overlay(base)) {
      // Executed through the holder's root, so the caller itself is in the host's namespaces.
      Path merged = holder.proc("root" + base.resolve("merged/program"));
      try (Attacker attacker =
          Attacker.start(
              AttackGround.as(MODULE, merged, "kept", ground.socket(), certificateOf("hashed")))) {
        assertThat(attacker.answer()).isEqualTo(REFUSED);
        Programs.run("chmod", "0755", merged.toString()).done();
        Files.write(base.resolve("upper/program"), Files.readAllBytes(trusted));
        assertThat(AttackGround.hash(attacker.proc("exe")))
            .as("what a hash alone would say")
            .isEqualTo(AttackGround.hash(trusted));
        attacker.go();
        assertThat(attacker.answer()).isEqualTo(REFUSED);
      }
    }
    assertTheTrustedProgramIsServed();
  }
}
