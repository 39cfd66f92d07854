package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A program that nobody here wrote, run in a folder. */
record Program(Path folder) {
  /** How it ended, and all that it printed. */
  record Ended(int code, String output) {}

  Ended ended(String program, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("timeout", "30", program));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ended(process.waitFor(), output);
  }

  String good(String program, String... arguments) throws IOException, InterruptedException {
    Ended ended = ended(program, arguments);
    assertThat(ended.code()).as(ended.output()).isZero();
    return ended.output();
  }
}
