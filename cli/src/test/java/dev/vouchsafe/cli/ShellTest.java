package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ShellTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "a b",
        "it's",
        "$(id)",
        "`id`",
        "a;b",
        "a\nb",
        "\"",
        "\\",
        "*",
        "~",
        "$edgeHub",
        "''",
        "!x",
        "#c"
      })
  void aRealShellReadsOneWordBack(String text) throws IOException {
    Process shell =
        new ProcessBuilder("/bin/sh", "-c", "printf '%s|' " + Shell.quoted(text)).start();
    String printed = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(printed).isEqualTo(text + "|");
  }

  @Test
  void aPlainWordStaysAsItIs() {
    assertThat(Shell.quoted("unix:///run/x.sock")).isEqualTo("unix:///run/x.sock");
  }
}
