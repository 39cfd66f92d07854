package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;

/** Runs commands in this process, with an environment and a clock of the test's own. */
final class CliRun {
  /** A moment after the build of the program, so that the clock seems sane. */
  static final Instant NOW = Instant.parse("2026-12-01T12:00:00Z");

  /**
   * What a command did.
   *
   * @param code its exit code
   * @param out what it printed
   * @param err what it complained of
   */
  record Ended(int code, String out, String err) {
    JsonNode json() throws IOException {
      return new ObjectMapper().readTree(out);
    }
  }

  private final Map<String, String> environment = new HashMap<>();
  private byte[] in = new byte[0];
  private InstantSource clock = InstantSource.fixed(NOW);

  static CliRun plain() {
    return new CliRun();
  }

  static CliRun at(Path home) {
    return new CliRun().with(Home.VARIABLE, home.toString());
  }

  CliRun with(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  CliRun clock(InstantSource source) {
    clock = source;
    return this;
  }

  /** What its standard input has. */
  CliRun given(String text) {
    in = text.getBytes(StandardCharsets.UTF_8);
    return this;
  }

  Ended run(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            args,
            new Console(
                new ByteArrayInputStream(in),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                environment,
                clock));
    return new Ended(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
