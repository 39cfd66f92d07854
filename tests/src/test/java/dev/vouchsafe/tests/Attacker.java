package dev.vouchsafe.tests;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A program of the attack suite in dialogue with the test: a line of it for a line of the test. */
final class Attacker implements AutoCloseable {
  private static final long LONGEST_END_SECONDS = 20;

  private final Process process;
  private final BufferedReader out;
  private final Writer in;

  private Attacker(Process process) {
    this.process = process;
    this.out = process.inputReader(StandardCharsets.UTF_8);
    this.in = process.outputWriter(StandardCharsets.UTF_8);
  }

  /** Starts a command that stays one process, the one that {@link #pid} names. */
  static Attacker start(List<String> command) throws IOException {
    return new Attacker(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** Starts a command whose children may outlive it, and are heard nevertheless. */
  static Attacker startFamily(List<String> command) throws IOException {
    List<String> all = new ArrayList<>(List.of("sh", "-c", "\"$@\" | cat", "sh"));
    all.addAll(command);
    return start(all);
  }

  long pid() {
    return process.pid();
  }

  Path proc(String file) {
    return Path.of("/proc/" + pid()).resolve(file);
  }

  /** Lets it go on. */
  void go() throws IOException {
    in.write("go\n");
    in.flush();
  }

  /** The number behind that word in the next line. */
  int number(String word) throws IOException {
    String line = out.readLine();
    if (line == null || !line.startsWith(word + " ")) {
      throw new AssertionError("said " + line + " instead of " + word);
    }
    return Integer.parseInt(line.substring(word.length() + 1));
  }

  /** The status of the answer that it reports next; 0 if the connection ended without one. */
  int answer() throws IOException {
    return number("answer");
  }

  void expect(String wanted) throws IOException {
    String line = out.readLine();
    if (!wanted.equals(line)) {
      throw new AssertionError("said " + line + " instead of " + wanted);
    }
  }

  /** Ends with its input; what doesn't is ended. */
  @Override
  public void close() throws IOException {
    in.close();
    try {
      if (!process.waitFor(LONGEST_END_SECONDS, TimeUnit.SECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
        throw new AssertionError("an attacker did not end with its input");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
