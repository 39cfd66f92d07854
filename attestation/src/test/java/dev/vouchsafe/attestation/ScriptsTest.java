package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Scripts, and what is made to look like one. The callers connect as perl and become the
 * interpreter before their first look, as a wrapper may.
 */
class ScriptsTest {
  /** Holds whatever it inherited, says so, and goes on reading its input. */
  private static final String GOOD = "echo running\nwhile read -r line; do :; done\n";

  @TempDir Path folder;
  private Attestations at;
  private Path good;
  private Path evil;

  @BeforeEach
  void open() throws Exception {
    assumeTrue(Samples.uid() == 0, "a script counts only if it is root's: needs root");
    at = new Attestations(folder, new Kernel());
    good = script("good.sh", GOOD);
    evil = script("evil.sh", "# evil\n" + GOOD);
  }

  @AfterEach
  void close() {
    if (at != null) {
      at.close();
    }
  }

  private Path script(String name, String text) throws IOException {
    Path file = Files.writeString(folder.resolve(name), text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    return file;
  }

  private static String hash(Path file) throws Exception {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
    return "process:script-sha256:" + HexFormat.of().formatHex(digest);
  }

  /** What becomes of a caller that runs this, if it were to be the good script. */
  private SelectorResult look(Map<String, String> environment, String... command) throws Exception {
    Runner runner = new Runner(environment, command);
    try (Peer peer = runner.peer) {
      return at.results(peer, ownUid(), hash(good)).getLast();
    }
  }

  private SelectorResult.Outcome outcome(String... command) throws Exception {
    return look(Map.of(), command).outcome();
  }

  /** Perl that connects and becomes another program at once, before anybody looks at it. */
  private final class Runner {
    final Peer peer;

    Runner(Map<String, String> environment, String... command) throws IOException {
      List<String> launcher = new ArrayList<>(List.of("env"));
      environment.forEach((key, value) -> launcher.add(key + "=" + value));
      peer = Peer.connect(at.listener, Peer.PERL, launcher.toArray(String[]::new));
      List<String> rest = List.of(command).subList(1, command.length);
      peer.execs(Path.of(command[0]), rest.toArray(String[]::new));
      peer.expect("running");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/bin/bash", "/bin/dash", "/bin/sh"})
  void aShellThatHoldsItsScriptHoldsIt(String shell) throws Exception {
    assertThat(outcome(shell, good.toString())).isEqualTo(SelectorResult.Outcome.HOLDS);
    assertThat(outcome(shell, "-eu", good.toString(), "argument"))
        .isEqualTo(SelectorResult.Outcome.HOLDS);
    assertThat(outcome(shell, evil.toString())).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
  }

  @Test
  void aScriptThatIsRunByItsOwnNameHolds() throws Exception {
    good = script("own.sh", "#!/bin/bash\n" + GOOD);
    assertThat(outcome(good.toString())).isEqualTo(SelectorResult.Outcome.HOLDS);
  }

  @Test
  void aJarHolds() throws Exception {
    Path java = Path.of(System.getProperty("java.home"), "bin/java").toRealPath();
    good = jar("good.jar", "good");
    Path other = jar("evil.jar", "evil");
    assertThat(outcome(java.toString(), "-Xmx32m", "-jar", good.toString()))
        .isEqualTo(SelectorResult.Outcome.HOLDS);
    assertThat(outcome(java.toString(), "-cp", good + ":" + folder, "Main"))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(outcome(java.toString(), "-Dx=y", "-jar", good.toString()))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(outcome(java.toString(), "-jar", other.toString(), good.toString()))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(
            look(Map.of("JAVA_TOOL_OPTIONS", "-Dx=y"), java.toString(), "-jar", good.toString())
                .outcome())
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
  }

  private Path jar(String name, String what) throws Exception {
    Path source =
        Files.writeString(
            folder.resolve("Main.java"),
            """
            public class Main {
              public static void main(String[] a) throws Exception {
                System.out.println("running");
                String what = "%s";
                System.in.read();
              }
            }
            """
                .formatted(what));
    Path bin = Path.of(System.getProperty("java.home"), "bin");
    Commands.run(
        List.of(bin.resolve("javac").toString(), "-d", folder.toString(), source.toString()));
    Path jar = folder.resolve(name);
    Commands.run(
        List.of(
            bin.resolve("jar").toString(),
            "--create",
            "--file",
            jar.toString(),
            "--main-class",
            "Main",
            "-C",
            folder.toString(),
            "Main.class"));
    return jar;
  }

  @Test
  void anInheritedDescriptorOfTheGoodScriptIsNotTakenForTheScript() throws Exception {
    // The launcher opens the good one with the number that bash gives its own script.
    String[] launcher = {"bash", "-c", "exec \"$@\" 3<" + good + " 255<" + good, "x"};
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, launcher)) {
      peer.execs(Path.of("/bin/bash"), evil.toString());
      peer.expect("running");
      assertThat(at.verdict(peer, ownUid(), hash(good))).isEqualTo("refused: selector-mismatch");
    }
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, launcher)) {
      // No space may stand in it: the peer splits at spaces.
      peer.execs(Path.of("/bin/bash"), "-c", "echo${IFS}running;read${IFS}line", good.toString());
      peer.expect("running");
      assertThat(at.verdict(peer, ownUid(), hash(good))).isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void aScriptOverADescriptorOrAPipeDoesNotHold() throws Exception {
    String[] launcher = {"bash", "-c", "exec \"$@\" 9<" + good, "x"};
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, launcher)) {
      peer.execs(Path.of("/bin/bash"), "/proc/self/fd/9");
      peer.expect("running");
      assertThat(at.verdict(peer, ownUid(), hash(good))).isEqualTo("refused: selector-mismatch");
    }
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, launcher)) {
      peer.execs(Path.of("/bin/bash"), "/dev/fd/9");
      peer.expect("running");
      assertThat(at.verdict(peer, ownUid(), hash(good))).isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void aVariableThatMakesTheShellRunSomethingElseFirstRulesItOut() throws Exception {
    SelectorResult result = look(Map.of("BASH_ENV", evil.toString()), "/bin/bash", good.toString());
    assertThat(result.outcome()).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(result.measured()).contains("BASH_ENV").doesNotContain(evil.toString());
    for (String name : List.of("LD_PRELOAD", "LD_AUDIT", "ENV", "BASH_FUNC_read%%", "GCONV_PATH")) {
      String value = name.startsWith("BASH_FUNC") ? "(){ :; }" : "/tmp";
      assertThat(look(Map.of(name, value), "/bin/dash", good.toString()).outcome())
          .as(name)
          .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    }
  }

  /** The other program's maps are what is held of the caller, as of one whose memory it shares. */
  private static final class Sharing extends Kernel {
    private long mapsOf;

    @Override
    int open(Scratch s, int pid, String file) {
      return super.open(s, mapsOf != 0 && file.equals("maps") ? (int) mapsOf : pid, file);
    }
  }

  @Test
  void aShellThatRunsTheGoodScriptOnlySinceItConnectedDoesNotHoldThoughItsOldMemoryLivesOn()
      throws Exception {
    at.close();
    Files.delete(at.listener.path());
    Sharing kernel = new Sharing();
    at = new Attestations(folder, kernel);
    Path before = script("before.sh", "echo running\nread -r line\nexec bash " + good + "\n");
    try (Peer sibling = new Runner(Map.of(), "/bin/bash", good.toString()).peer;
        Peer peer = new Runner(Map.of(), "/bin/bash", before.toString()).peer) {
      kernel.mapsOf = sibling.pid();
      Registration registration = Samples.registration("m", ownUid(), hash(good));
      try (Caller caller = at.attestor.accept(peer.socket());
          Caller honest = at.attestor.accept(sibling.socket())) {
        assertThat(reason(at.attestor.measure(honest, registration))).isEqualTo("attested");
        peer.send("go");
        peer.expect("running");
        assertThat(reason(at.attestor.measure(caller, registration)))
            .isEqualTo("refused: caller-changed");
        assertThat(at.attestor.measure(List.of(honest, caller), registration))
            .extracting(Attestations::reason)
            .containsExactly("attested", "refused: caller-changed");
      }
    }
  }

  @Test
  void aShellThatWasPutAtKnownAddressesDoesNotHold() throws Exception {
    String[] launcher = {"setarch", "-R"};
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, launcher)) {
      peer.execs(Path.of("/bin/bash"), good.toString());
      peer.expect("running");
      SelectorResult result = at.results(peer, ownUid(), hash(good)).getLast();
      assertThat(result.outcome()).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
      assertThat(result.measured()).contains("randomization");
    }
  }

  @Test
  void aScriptThatOthersMayChangeOrReplaceDoesNotHold() throws Exception {
    Files.setPosixFilePermissions(good, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(outcome("/bin/bash", good.toString()))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    Files.setPosixFilePermissions(good, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setAttribute(good, "unix:uid", 65534);
    assertThat(outcome("/bin/bash", good.toString()))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    Files.setAttribute(good, "unix:uid", 0);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(outcome("/bin/bash", good.toString()))
        .isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThat(outcome("/bin/bash", good.toString())).isEqualTo(SelectorResult.Outcome.HOLDS);
  }

  @Test
  void aLoginShellDoesNotHold() throws Exception {
    String[] launcher = {"bash", "-c", "exec \"$@\"", "x"};
    try (Peer peer = Peer.connect(at.listener, Peer.PERL, launcher)) {
      // Bash gives its first word a dash by "exec -l".
      peer.execs(Path.of("/bin/bash"), "-c", "exec${IFS}-l${IFS}bash${IFS}" + good, "x");
      peer.expect("running");
      SelectorResult result = at.results(peer, ownUid(), hash(good)).getLast();
      assertThat(result.outcome()).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
      assertThat(result.measured()).contains("login shell");
    }
  }

  /** What the caller's command line reads as, which it may rewrite. */
  private static final class Claiming extends Kernel {
    private @Nullable Path cmdline;

    @Override
    int open(Scratch s, int pid, String file) {
      Path claim = cmdline;
      return claim != null && file.equals("cmdline")
          ? Libc.open(s, s.path(claim.toString()), Libc.O_RDONLY | Libc.O_CLOEXEC)
          : super.open(s, pid, file);
    }
  }

  @Test
  void aPathThatNoFileCanHaveIsNoScriptAndNoFailure() throws Exception {
    at.close();
    Files.delete(at.listener.path());
    Claiming kernel = new Claiming();
    at = new Attestations(folder, kernel);
    try (Peer peer = new Runner(Map.of(), "/bin/bash", good.toString()).peer) {
      for (String path :
          List.of(
              "/" + "\u00e4".repeat(4000),
              "/" + "a".repeat(4095),
              "/" + "a".repeat(4094),
              "/" + "a/".repeat(2000) + "x",
              "/\u00e4\u20ac",
              "/\ud83d\ude00",
              "//x",
              "/./x",
              "/x/..",
              "/",
              "")) {
        byte[] words = ("bash\0" + path + "\0").getBytes(StandardCharsets.UTF_8);
        kernel.cmdline = Files.write(folder.resolve("claim"), words);
        assertThat(at.verdict(peer, ownUid(), hash(good))).isEqualTo("refused: selector-mismatch");
      }
      byte[] noText = ("bash\0" + good + "\u00ff\0").getBytes(StandardCharsets.ISO_8859_1);
      kernel.cmdline = Files.write(folder.resolve("claim"), noText);
      assertThat(at.verdict(peer, ownUid(), hash(good))).isEqualTo("refused: selector-mismatch");
      kernel.cmdline = null;
      assertThat(at.verdict(peer, ownUid(), hash(good))).isEqualTo("attested");
    }
  }

  @Test
  void aScriptsNameMayHaveAnyLetters() throws Exception {
    good = Files.copy(good, folder.resolve("g\u00f6\u00f6d.sh"));
    assertThat(outcome("/bin/bash", good.toString())).isEqualTo(SelectorResult.Outcome.HOLDS);
  }

  @Test
  void whereAScriptMayNotRunNobodyIsLetInOfWhomItCannotBeTold() throws Exception {
    Registration registration =
        Samples.registration(List.of(ownUid()), List.of(), List.of(hash(evil)));
    try (Peer perl = Peer.connect(at.listener);
        Caller unknown = at.attestor.accept(perl.socket());
        Peer shell = new Runner(Map.of(), "/bin/bash", good.toString()).peer;
        Caller known = at.attestor.accept(shell.socket())) {
      assertThat(reason(at.attestor.measure(unknown, registration)))
          .isEqualTo("refused: selector-mismatch");
      assertThat(reason(at.attestor.measure(known, registration))).isEqualTo("attested");
    }
  }

  @Test
  void aScriptThatWasReplacedSinceTheShellOpenedItDoesNotHold() throws Exception {
    Path path = script("run.sh", "# evil\n" + GOOD);
    try (Peer peer = new Runner(Map.of(), "/bin/bash", path.toString()).peer) {
      Files.copy(good, folder.resolve("new"));
      Files.move(folder.resolve("new"), path, StandardCopyOption.ATOMIC_MOVE);
      assertThat(at.verdict(peer, ownUid(), hash(good))).isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void anInterpreterOfSomebodysOwnIsNoneThatIsKnown() throws Exception {
    Path bash = Files.copy(Path.of("/bin/bash"), folder.resolve("bash"));
    Files.setPosixFilePermissions(bash, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.setAttribute(bash, "unix:uid", 65534);
    SelectorResult result = look(Map.of(), bash.toString(), good.toString());
    assertThat(result.outcome()).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(result.measured()).contains("root");
  }

  @Test
  void anInterpreterThatKeepsNoTraceOfItsScriptSaysWhatToDo() throws Exception {
    try (Peer peer = Peer.connect(at.listener)) {
      SelectorResult result = at.results(peer, ownUid(), hash(good)).getLast();
      assertThat(result.outcome()).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
      assertThat(result.measured()).contains("neither descriptor nor mapping", "user of its own");
    }
  }

  @Test
  void aProgramThatIsNoInterpreterSaysSo() throws Exception {
    SelectorResult result =
        look(Map.of(), "/usr/bin/awk", "BEGIN{print\"running\";fflush();getline}");
    assertThat(result.outcome()).isEqualTo(SelectorResult.Outcome.DOES_NOT_HOLD);
    assertThat(result.measured()).contains("interpreter");
  }
}
