package dev.vouchsafe.tests;

import static dev.vouchsafe.tests.AttackGround.MODULE;
import static dev.vouchsafe.tests.AttackGround.OTHER;
import static dev.vouchsafe.tests.AttackGround.certificateOf;
import static dev.vouchsafe.tests.AttackGround.path;
import static dev.vouchsafe.tests.AttackGround.uid;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Attacks by other scripts in the interpreter that a registration trusts with one script. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ScriptAttacksTest {
  private static final int ISSUED = 201;
  private static final int REFUSED = 403;

  private AttackGround ground;
  private Path bash;
  private String script = "";
  private Path trusted;

  @BeforeAll
  void open() throws Exception {
    ground = AttackGround.open();
    bash = Path.of("/bin/bash").toRealPath();
    Path library = ground.program("ask_builtin", "-shared", "-fPIC");
    script = "enable -f " + library + " ask\nask \"$1\" \"$2\"\n";
    trusted = script(ground.openFolder("scripts").resolve("trusted"), script);
    ground.register(
        "script",
        List.of(uid(MODULE), path(bash), "process:script-sha256:" + AttackGround.hash(trusted)));
    ground.register("shell", List.of(uid(MODULE), path(bash)));
  }

  @AfterAll
  void close() throws IOException {
    if (ground != null) {
      ground.close();
    }
  }

  private static Path script(Path file, String text) throws Exception {
    Files.writeString(file, text);
    Programs.run("chmod", "0755", file.toString()).done();
    return file;
  }

  /** What bash with these arguments gets; those of the script stand behind them. */
  private int bash(long uid, String module, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(bash.toString()));
    command.addAll(List.of(arguments));
    command.addAll(List.of(ground.socket(), certificateOf(module)));
    return AttackGround.answer(AttackGround.as(uid, command));
  }

  private void assertTheTrustedScriptIsServed() throws Exception {
    assertThat(bash(MODULE, "script", trusted.toString())).isEqualTo(ISSUED);
  }

  @Test
  void anotherScriptGetsNothing() throws Exception {
    Path other = script(ground.openFolder("scripts").resolve("other"), script + "# other\n");
    assertThat(bash(MODULE, "script", other.toString())).isEqualTo(REFUSED);
    assertThat(bash(MODULE, "shell", other.toString())).as("it runs").isEqualTo(ISSUED);
    assertTheTrustedScriptIsServed();
  }

  @Test
  void theTrustedScriptRunByAnotherUserGetsNothing() throws Exception {
    assertThat(bash(OTHER, "script", trusted.toString())).isEqualTo(REFUSED);
    assertTheTrustedScriptIsServed();
  }

  @Test
  void wordsOfTheCallersOwnGetNothingThoughTheTrustedScriptIsNamedAndOpen() throws Exception {
    // $0 is the trusted script, and a descriptor of it is open.
    assertThat(bash(MODULE, "script", "-c", "exec 9<\"$0\"; " + script, trusted.toString()))
        .isEqualTo(REFUSED);
    assertThat(bash(MODULE, "shell", "-c", "exec 9<\"$0\"; " + script, trusted.toString()))
        .as("it runs")
        .isEqualTo(ISSUED);
    assertTheTrustedScriptIsServed();
  }

  @Test
  void aScriptOfTheModulesUserWithTheTrustedContentGetsNothing() throws Exception {
    Path copy = script(ground.folderOf(MODULE, "own").resolve("trusted"), script);
    Programs.run("chown", MODULE + ":" + MODULE, copy.toString()).done();
    // He could change it after it was read and before the rest is.
    assertThat(bash(MODULE, "script", copy.toString())).isEqualTo(REFUSED);
    assertTheTrustedScriptIsServed();
  }

  @Test
  void aFileThatBashReadsBeforeTheTrustedScriptGetsNothing() throws Exception {
    Path before = script(ground.folderOf(MODULE, "own").resolve("before"), script + "exit\n");
    List<String> command =
        List.of(
            "env",
            "BASH_ENV=" + before,
            bash.toString(),
            trusted.toString(),
            ground.socket(),
            certificateOf("script"));
    assertThat(AttackGround.answer(AttackGround.as(MODULE, command))).isEqualTo(REFUSED);
    assertTheTrustedScriptIsServed();
  }

  /** What bash gets that becomes the trusted script after the first look, by that trick. */
  private int becomesTheTrustedScript(String trick) throws Exception {
    return becomesAnotherScript(trick, "waits", List.of());
  }

  /** What bash gets that becomes another script after the first look, started by that prefix. */
  private int becomesAnotherScript(String trick, String module, List<String> prefix)
      throws Exception {
    Path library = ground.program("exec_shared", "-shared", "-fPIC");
    Path waits =
        script(ground.openFolder("scripts").resolve("waits"), "while read -r line; do :; done\n");
    ground.register(
        "waits",
        List.of(uid(MODULE), path(bash), "process:script-sha256:" + AttackGround.hash(waits)));
    ground.register(
        "this-bash", List.of(uid(MODULE), path(bash), "unix:sha256:" + AttackGround.hash(bash)));
    List<String> command = new ArrayList<>(prefix);
    command.addAll(
        List.of(
            "env",
            "LD_PRELOAD=" + library,
            "ATTACK=" + String.join(" ", trick, ground.socket(), waits.toString()),
            "REQUEST=" + certificateOf(module),
            bash.toString(),
            waits.resolveSibling("other").toString()));
    try (Attacker attacker = Attacker.startFamily(AttackGround.as(MODULE, command))) {
      assertThat(attacker.number("first")).as("the trust bundle").isEqualTo(200);
      try (AttackGround.Stopped stopped = ground.stopped()) {
        attacker.go();
        attacker.expect("ready");
        stopped.goOn();
        return attacker.answer();
      }
    }
  }

  @Test
  void aShellThatBecomesTheTrustedScriptAfterTheFirstLookGetsNothingThoughItsOldMemoryLivesOn()
      throws Exception {
    assertThat(becomesTheTrustedScript("alone")).isEqualTo(REFUSED);
    assertThat(becomesTheTrustedScript("shared")).isEqualTo(REFUSED);
    assertTheTrustedScriptIsServed();
  }

  @Test
  void anExecOfTheSameProgramWithoutRandomizationIsTheLimitWhereItsOldMemoryLivesOn()
      throws Exception {
    List<String> fixed = List.of("setarch", "-R");
    assertThat(becomesAnotherScript("shared", "this-bash", fixed)).isEqualTo(ISSUED);
    assertThat(becomesAnotherScript("alone", "this-bash", fixed)).isEqualTo(REFUSED);
    assertThat(becomesAnotherScript("shared", "this-bash", List.of())).isEqualTo(REFUSED);
    assertThat(becomesAnotherScript("shared", "waits", fixed)).as("its script").isEqualTo(REFUSED);
  }

  /** What a shell gets that looks from outside as if it ran the trusted script. */
  private int rewritten(long uid) throws Exception {
    List<String> command =
        List.of(
            "env",
            "-i",
            "LD_PRELOAD=" + ground.program("rewrite_command", "-shared", "-fPIC"),
            "SCRIPT=" + trusted,
            "ATTACK_SOCKET=" + ground.socket(),
            "ATTACK_REQUEST=" + certificateOf("script"),
            bash.toString(),
            "x".repeat(trusted.toString().length()));
    return AttackGround.answer(AttackGround.as(uid, command));
  }

  @Test
  void aShellThatRewritesItsOwnCommandLineIsTheLimitOfTheSameUser() throws Exception {
    assertThat(rewritten(MODULE)).isEqualTo(ISSUED);
    assertThat(rewritten(OTHER)).isEqualTo(REFUSED);
  }

  @Test
  void anInterpreterThatHoldsNoScriptGetsNothing() throws Exception {
    Path perl = Path.of("/usr/bin/perl").toRealPath();
    Path ask =
        AttackGround.copy(
            Places.root().resolve("tests/src/test/c/attack/ask.pl"),
            ground.openFolder("scripts").resolve("ask.pl"));
    ground.register(
        "perl",
        List.of(uid(MODULE), path(perl), "process:script-sha256:" + AttackGround.hash(ask)));
    ground.register("any-perl", List.of(uid(MODULE), path(perl)));
    for (String module : List.of("perl", "any-perl")) {
      List<String> command =
          List.of(perl.toString(), ask.toString(), ground.socket(), certificateOf(module));
      assertThat(AttackGround.answer(AttackGround.as(MODULE, command)))
          .as(module)
          .isEqualTo(module.equals("perl") ? REFUSED : ISSUED);
    }
  }
}
