package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vouchsafe.audit.AuditEvent;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code vouchsafe completion} prints, taken by real shells. */
class CompletionTest {
  @TempDir private Path folder;

  /** Each word that the shell would offer, a line each, as its own completion answers. */
  private static final String BASH =
      """
      source "$1"; shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
      function=$(complete -p vouchsafe | sed 's/.*-F \\([^ ]*\\).*/\\1/')
      $function 2> /dev/null; printf '%s\\n' "${COMPREPLY[@]}"
      """;

  /** A terminal of its own: zsh completes only where a person could press the key. */
  private static final String ZSH =
      """
      zmodload zsh/zpty
      zpty shell "TERM=dumb PS1='>' zsh -f -i"
      zpty -w shell "unsetopt zle_bracketed_paste; source $1; LISTMAX=0; echo rea''dy"
      zpty -r shell said '*ready*' || exit 1
      zpty -w -n shell "$2"$'\t\t'
      zpty -r -m shell said "*$3*" || exit 1
      print -r -- "$said"
      zpty -d shell
      """;

  private Path completion(String shell) throws IOException {
    CliRun.Ended ended = CliRun.plain().run("completion", shell);
    assertThat(ended.code()).isZero();
    assertThat(ended.err()).isEmpty();
    return Files.writeString(folder.resolve("completion." + shell), ended.out());
  }

  private static String run(String... command) throws IOException, InterruptedException {
    Process shell = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (OutputStream in = shell.getOutputStream()) {
      in.flush();
    }
    try {
      var said = shell.inputReader(StandardCharsets.UTF_8);
      List<String> lines = new ArrayList<>();
      // Its output ends with it, and it is ended by the limit below at the latest.
      Thread reader = Thread.ofPlatform().start(() -> said.lines().forEach(lines::add));
      assertThat(shell.waitFor(60, TimeUnit.SECONDS)).as("it ended").isTrue();
      reader.join();
      assertThat(shell.exitValue()).as(String.join("\n", lines)).isZero();
      return String.join("\n", lines);
    } finally {
      shell.destroyForcibly();
    }
  }

  private String bash(String... words) throws IOException, InterruptedException {
    return run(
        Stream.concat(
                Stream.of("bash", "-c", BASH, "bash", completion("bash").toString()),
                Stream.of(words))
            .toArray(String[]::new));
  }

  @Test
  void bashCompletesCommandsOptionsAndTheWordsThatAnOptionTakes() throws Exception {
    assertThat(bash("vouchsafe", "mod")).isEqualTo("module");
    assertThat(bash("vouchsafe", "module", "add", "--sel")).isEqualTo("--selector");
    assertThat(bash("vouchsafe", "init", "--trust")).isEqualTo("--trust-domain");
    assertThat(bash("vouchsafe", "audit", "show", "--verdict", ""))
        .isEqualTo(
            Arrays.stream(AuditEvent.Outcome.values())
                .map(AuditEvent.Outcome::text)
                .collect(Collectors.joining("\n")));
  }

  @Test
  void zshCompletesThemAtItsPrompt() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/zsh")), "needs zsh; ./test installs it");
    String script = completion("zsh").toString();
    assertThat(run("zsh", "-f", "-c", ZSH, "zsh", script, "vouchsafe modul", "vouchsafe module"))
        .contains("vouchsafe module");
    assertThat(
            run(
                "zsh",
                "-f",
                "-c",
                ZSH,
                "zsh",
                script,
                "vouchsafe audit show --verdict iss",
                "--verdict issued"))
        .contains("--verdict issued");
  }
}
