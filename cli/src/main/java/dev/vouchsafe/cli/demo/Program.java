package dev.vouchsafe.cli.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Runs another program to its end, within a time limit, and keeps what it printed. */
final class Program {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int MOST_OUTPUT = 1 << 20;

  private final Path scratch;
  private final Map<String, String> environment;

  /**
   * @param scratch a private folder for what programs print
   * @param environment variables added to each program's environment
   */
  Program(Path scratch, Map<String, String> environment) {
    this.scratch = scratch;
    this.environment = Map.copyOf(environment);
  }

  /**
   * How a program ended.
   *
   * @param status its exit status
   * @param output what it printed on standard output and standard error
   */
  record Ended(int status, String output) {
    /** This, if it ended with 0. */
    Ended ok(String what) throws DemoException {
      if (status != 0) {
        throw new DemoException(what + " ended with status " + status + ":\n" + output.strip());
      }
      return this;
    }
  }

  /** Starts a program whose output goes to that file, and doesn't wait for it. */
  Process start(List<String> command, Path output) throws DemoException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    builder.redirectErrorStream(true);
    builder.redirectOutput(output.toFile());
    try {
      Process process = builder.start();
      process.getOutputStream().close();
      return process;
    } catch (IOException e) {
      throw new DemoException("could not start " + command.getFirst() + ": " + e.getMessage(), e);
    }
  }

  /** Runs a program to its end. */
  Ended run(List<String> command) throws DemoException {
    try {
      Path output = Files.createTempFile(scratch, "out", ".txt");
      Process process = start(command, output);
      try {
        if (!process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
          throw new DemoException(
              command.getFirst() + " did not end within " + LIMIT.toSeconds() + " s");
        }
      } finally {
        process.destroyForcibly();
      }
      return new Ended(process.exitValue(), read(output));
    } catch (IOException e) {
      throw new DemoException("could not run " + command.getFirst() + ": " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new DemoException("interrupted while " + command.getFirst() + " ran", e);
    }
  }

  /** What a program has printed so far. */
  static String read(Path output) throws IOException {
    if (Files.size(output) > MOST_OUTPUT) {
      return "(more than " + MOST_OUTPUT + " octets)";
    }
    return Files.readString(output, StandardCharsets.UTF_8);
  }
}
