package dev.vouchsafe.keys;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Compiles the C sources of the tests. */
final class CProgram {
  private static final int PATIENCE_SECONDS = 60;

  private CProgram() {}

  /** Compiles {@code src/test/c/NAME.c} into a file. */
  static Path compile(String name, Path into, String... flags)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("gcc", "-O2", "-Wall", "-Wextra", "-Werror"));
    command.addAll(List.of(flags));
    command.addAll(
        List.of("-o", into.toString(), "src/test/c/" + name + ".c", "-ldl", "-lpthread"));
    run(command);
    return into;
  }

  /** What a program prints; it must succeed. */
  static String run(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try {
      process.getOutputStream().close();
      String output = new String(process.getInputStream().readAllBytes(), UTF_8);
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw new IOException(command.getFirst() + " failed: " + output);
      }
      return output;
    } finally {
      process.destroyForcibly();
    }
  }
}
