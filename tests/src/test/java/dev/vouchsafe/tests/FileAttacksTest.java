package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.OTHER;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.path;
import static dev.vouchsafe.tests.AttackGround.sha256;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attacks by files that are, or look like, the executable that a registration names. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FileAttacksTest {
  private static final int ISSUED = 201;
  private static final int REFUSED = 403;
  private static final int SWAP_ROUNDS = 300;

  private AttackGround ground;
  private Path trusted;
  private Path stranger;
  private Path folder;

  @BeforeAll
  void open() throws Exception {
    ground = AttackGround.open();
    trusted = ground.trusted();
    stranger = ground.stranger();
    folder = ground.folderOf(MODULE, "attacker");
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
    assertThat(ground.ask(MODULE, trusted, "pinned")).isEqualTo(ISSUED);
    assertThat(ground.ask(MODULE, trusted, "hashed")).isEqualTo(ISSUED);
  }

  @Test
  void aCopyOfTheTrustedProgramGetsNothingByItsPath() throws Exception {
    Path copy = AttackGround.copy(trusted, folder.resolve("copy"));
    assertThat(ground.ask(MODULE, copy, "pinned")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, copy, "hashed")).as("the same content").isEqualTo(ISSUED);
    assertThat(ground.ask(OTHER, copy, "hashed")).isEqualTo(REFUSED);
    assertTheTrustedProgramIsServed();
  }

  @Test
  void aCopyWithOneOctetChangedGetsNothingByItsHash() throws Exception {
    Path copy = AttackGround.copy(trusted, folder.resolve("changed"));
    try (RandomAccessFile file = new RandomAccessFile(copy.toFile(), "rw")) {
      file.seek(file.length() - 1);
      int last = file.read();
      file.seek(file.length() - 1);
      file.write(last ^ 1);
    }
    assertThat(ground.ask(MODULE, copy, "hashed")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, copy, "loose")).as("it runs").isEqualTo(ISSUED);
    assertTheTrustedProgramIsServed();
  }

  @Test
  void aHardLinkGetsNothingForAnotherUserNorForAnotherFile() throws Exception {
    Path link = Files.createLink(folder.resolve("link"), trusted);
    Path other =
        Files.createLink(Files.createDirectory(folder.resolve("l")).resolve("trusted"), stranger);
    assertThat(ground.ask(OTHER, link, "pinned")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, other, "pinned")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, link, "pinned")).as("it is that file").isEqualTo(ISSUED);
  }

  @Test
  void aSymbolicLinkGetsNothingForAnotherUserNorForAnotherFile() throws Exception {
    Path link = Files.createSymbolicLink(folder.resolve("symlink"), trusted);
    Path other =
        Files.createSymbolicLink(
            Files.createDirectory(folder.resolve("s")).resolve("trusted"), stranger);
    assertThat(ground.ask(OTHER, link, "pinned")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, other, "pinned")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, link, "pinned")).as("it leads there").isEqualTo(ISSUED);
  }

  @Test
  void aProgramThatIsStartedUnderTheNameOfTheTrustedOneGetsNothing() throws Exception {
    List<String> renamed = new ArrayList<>(List.of("bash", "-c", "exec -a \"$0\" \"$@\""));
    renamed.addAll(
        List.of(
            trusted.toString(),
            stranger.toString(),
            "ask",
            ground.socket(),
            certificateOf("pinned")));
    assertThat(AttackGround.answer(AttackGround.as(MODULE, renamed))).isEqualTo(REFUSED);
    assertTheTrustedProgramIsServed();
  }

  @Test
  void aProgramInMemoryNamedAsTheTrustedOneGetsNothing() throws Exception {
    Path memoryFile = ground.program("memory_file");
    for (String module : List.of("pinned", "hashed")) {
      assertThat(AttackGround.answer(inMemory(memoryFile, stranger, module))).isEqualTo(REFUSED);
    }
    assertThat(AttackGround.answer(inMemory(memoryFile, trusted, "pinned")))
        .as("its content is not its path")
        .isEqualTo(REFUSED);
    assertThat(AttackGround.answer(inMemory(memoryFile, stranger, "loose")))
        .as("it runs")
        .isEqualTo(ISSUED);
    assertTheTrustedProgramIsServed();
  }

  private List<String> inMemory(Path memoryFile, Path program, String module) {
    return AttackGround.as(
        MODULE,
        memoryFile,
        program.toString(),
        trusted.toString(),
        "ask",
        ground.socket(),
        certificateOf(module));
  }

  /** Its path stands in /proc, in the log and in the audit log; its name between brackets. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "trusted (deleted)",
        "a) R 1 1 1 (b",
        "x\nforged: line",
        "x\r\u001b[2Jforged",
        "0::\ndocker"
      })
  void aProgramWhoseNameReadsAsSomethingElseGetsNothingByItAndForgesNoLine(String name)
      throws Exception {
    Path program = AttackGround.copy(stranger, folder.resolve(name));
    assertThat(ground.ask(MODULE, program, "pinned")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, program, "hashed")).isEqualTo(REFUSED);
    assertThat(ground.ask(OTHER, program, "loose")).isEqualTo(REFUSED);
    assertThat(ground.ask(MODULE, program, "loose")).as("it runs").isEqualTo(ISSUED);
    assertNoLineOfItsOwn(ground.gateway().log());
    String shown = ground.home().run("audit", "show", "--verbose").done();
    assertThat(shown).contains("issued       loose  certificate");
    assertNoLineOfItsOwn(shown);
    assertTheTrustedProgramIsServed();
  }

  private static void assertNoLineOfItsOwn(String log) {
    assertThat(log.lines())
        .noneMatch(line -> line.startsWith("forged") || line.startsWith("docker"))
        .noneMatch(line -> line.contains("\u001b"));
  }

  private Attacker kept(Path program, String module) throws IOException {
    return Attacker.start(
        AttackGround.as(MODULE, program, "kept", ground.socket(), certificateOf(module)));
  }

  @Test
  void anExecutableThatIsReplacedWhileItRunsGetsNothingMore() throws Exception {
    Path program = AttackGround.copy(trusted, folder.resolve("replaced"));
    ground.register("replaced", List.of(uid(MODULE), path(program)));
    try (Attacker module = kept(program, "replaced")) {
      assertThat(module.answer()).isEqualTo(ISSUED);
      Path fresh = AttackGround.copy(trusted, folder.resolve("fresh"));
      Files.move(fresh, program, StandardCopyOption.ATOMIC_MOVE);
      module.go();
      assertThat(module.answer()).isEqualTo(REFUSED);
    }
    assertThat(ground.ask(MODULE, program, "replaced")).as("started anew").isEqualTo(ISSUED);
  }

  @Test
  void anExecutableThatIsDeletedWhileItRunsGetsNothingMore() throws Exception {
    Path program = AttackGround.copy(trusted, folder.resolve("deleted"));
    ground.register("deleted", List.of(uid(MODULE), path(program)));
    try (Attacker module = kept(program, "deleted")) {
      assertThat(module.answer()).isEqualTo(ISSUED);
      Files.delete(program);
      module.go();
      assertThat(module.answer()).isEqualTo(REFUSED);
    }
  }

  @Test
  void aFileThatIsSwappedInALoopBetweenMeasureAndIssueNeverServesTheStranger() throws Exception {
    Path one = AttackGround.copy(trusted, folder.resolve("one"));
    Path two = AttackGround.copy(stranger, folder.resolve("two"));
    for (Path copy : List.of(one, two)) {
      Programs.run("chown", MODULE + ":" + MODULE, copy.toString()).done();
    }
    Path swapped = folder.resolve("swapped");
    ground.register("swapped", List.of(uid(MODULE), path(swapped), sha256(one)));
    Programs.Ended race =
        Programs.run(
            AttackGround.as(
                MODULE,
                ground.program("swap_race"),
                swapped.toString(),
                one.toString(),
                two.toString(),
                ground.socket(),
                certificateOf("swapped"),
                Integer.toString(SWAP_ROUNDS)),
            "");
    Matcher counts =
        Pattern.compile("trusted ran (\\d+) served (\\d+) stranger ran (\\d+) served (\\d+)\n")
            .matcher(race.done());
    assertThat(counts.matches()).as(race.out()).isTrue();
    assertThat(Integer.parseInt(counts.group(2))).as(race.out()).isPositive();
    assertThat(Integer.parseInt(counts.group(3))).as(race.out()).isPositive();
    assertThat(Integer.parseInt(counts.group(4))).as(race.out()).isZero();
  }

  @Test
  void anotherScriptOfATrustedInterpreterIsTheLimitOfPathAndHash() throws Exception {
    Path perl = Path.of("/usr/bin/perl").toRealPath();
    ground.register("script", List.of(uid(MODULE), path(perl), sha256(perl)));
    Path script =
        AttackGround.copy(
            Places.root().resolve("tests/src/test/c/attack/ask.pl"), folder.resolve("ask.pl"));
    List<String> asks =
        List.of(perl.toString(), script.toString(), ground.socket(), certificateOf("script"));
    assertThat(AttackGround.answer(AttackGround.as(MODULE, asks))).isEqualTo(ISSUED);
    assertThat(AttackGround.answer(AttackGround.as(OTHER, asks))).isEqualTo(REFUSED);
  }

  /** What a process gets that has made its /proc/PID/exe show the trusted program. */
  private int forged(String how) throws Exception {
    Programs.Ended ended =
        Programs.run(
            AttackGround.as(
                MODULE,
                ground.program("forge_exe"),
                how,
                trusted.toString(),
                ground.socket(),
                certificateOf("pinned")),
            "");
    assertThat(ended.done()).contains(how.equals("none") ? "exe " : "exe " + trusted + "\n");
    return AttackGround.reported(ended);
  }

  @Test
  void aForgedExecutableLinkGetsNothing() throws Exception {
    assertThat(forged("none")).isEqualTo(REFUSED);
    assertThat(forged("inside")).isEqualTo(REFUSED);
    assertThat(forged("shared")).isEqualTo(REFUSED);
    assertTheTrustedProgramIsServed();
  }

  @Test
  void aForgedExecutableLinkWithTheTrustedProgramMappedAsWellIsTheLimitOfTheSameUser()
      throws Exception {
    assertThat(forged("mapped")).isEqualTo(ISSUED);
  }
}
