package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Runs programs of the machine to their end, and compiles the tests' own. */
final class Programs {
  private static final long LONGEST_SECONDS = 60;

  private Programs() {}

  /**
   * What a program that has ended left.
   *
   * @param out its standard output
   * @param err its standard error
   */
  record Ended(int exit, String out, String err) {
    /** Its output, if it ended well. */
    String done() {
      assertThat(exit).as("exit status; it said: %s%s", out, err).isZero();
      return out;
    }
  }

  static Ended run(String... command) throws IOException, InterruptedException {
    return run(Map.of(), List.of(command), "");
  }

  static Ended run(List<String> command, String input) throws IOException, InterruptedException {
    return run(Map.of(), command, input);
  }

  static Ended run(Map<String, String> environment, List<String> command, String input)
      throws IOException, InterruptedException {
    return run(environment, command, input, LONGEST_SECONDS);
  }

  /** Its output goes by way of files, so that a program that says much never waits for us. */
  static Ended run(
      Map<String, String> environment, List<String> command, String input, long longestSeconds)
      throws IOException, InterruptedException {
    Path in = Files.writeString(Files.createTempFile("vs", ".in"), input);
    Path out = Files.createTempFile("vs", ".out");
    Path err = Files.createTempFile("vs", ".err");
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .redirectInput(in.toFile())
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      builder.environment().putAll(environment);
      Process process = builder.start();
      if (!process.waitFor(longestSeconds, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
        throw new AssertionError(command + " did not end: " + text(out) + text(err));
      }
      return new Ended(process.exitValue(), text(out), text(err));
    } finally {
      Files.delete(in);
      Files.delete(out);
      Files.delete(err);
    }
  }

  private static String text(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }

  /** Compiles {@code src/test/c/NAME.c} unless that was done since a file there last changed. */
  static Path compile(String name, String... flags) throws IOException, InterruptedException {
    return compileFrom(Places.root().resolve("tests/src/test/c"), name, flags);
  }

  /** As {@link #compile}, of a module's own folder of C programs. */
  static synchronized Path compileFrom(Path folder, String name, String... flags)
      throws IOException, InterruptedException {
    Path made = Places.target().resolve(name + (List.of(flags).contains("-shared") ? ".so" : ""));
    if (Files.exists(made) && isNewerThanAllIn(folder, made)) {
      return made;
    }
    Path fresh = Path.of(made + ".new");
    List<String> command = new ArrayList<>(List.of("gcc", "-Wall", "-Wextra", "-Werror"));
    command.addAll(List.of(flags));
    command.addAll(List.of("-o", fresh.toString(), folder.resolve(name + ".c").toString()));
    run(command, "").done();
    return Files.move(fresh, made, StandardCopyOption.REPLACE_EXISTING);
  }

  private static boolean isNewerThanAllIn(Path folder, Path made) throws IOException {
    try (Stream<Path> sources = Files.list(folder)) {
      return sources.allMatch(
          source -> source.toFile().lastModified() < made.toFile().lastModified());
    }
  }
}
