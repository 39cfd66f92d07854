package dev.vouchsafe.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The program as a process of its own, with the class path of the tests. */
final class ServiceProcess implements AutoCloseable {
  private final Process process;
  private final BufferedReader out;
  private final Path log;

  private ServiceProcess(Process process, Path log) {
    this.process = process;
    this.log = log;
    out = process.inputReader(StandardCharsets.UTF_8);
  }

  /** Starts {@code vouchsafe --home HOME ARGS}; the log goes to a file beside the home. */
  static ServiceProcess start(Path home, List<String> environment, String... args)
      throws IOException {
    Path log = home.resolveSibling(home.getFileName() + ".log");
    return start(home, log, environment, args);
  }

  /** The same with that file for the log. */
  static ServiceProcess start(Path home, Path log, List<String> environment, String... args)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add("env");
    command.addAll(environment);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:+DisableAttachMechanism",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            classPath(),
            Main.class.getName(),
            "--home",
            home.toString()));
    command.addAll(List.of(args));
    return new ServiceProcess(new ProcessBuilder(command).redirectError(log.toFile()).start(), log);
  }

  private static String classPath() {
    String surefire = System.getProperty("surefire.test.class.path");
    return surefire == null ? System.getProperty("java.class.path") : surefire;
  }

  /** The first line of its output; nothing if it ended without one. */
  @Nullable String line() throws IOException {
    return out.readLine();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  void closeItsOutput() throws IOException {
    out.close();
  }

  /** Sends that signal, such as {@code TERM}. {@code Process.destroy} would close the pipes too. */
  void signal(String name) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, String.valueOf(pid())).start().waitFor();
  }

  /** Its exit code. */
  int ended() throws InterruptedException {
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new AssertionError("the process does not end");
    }
    return process.exitValue();
  }

  String log() throws IOException {
    return Files.readString(log);
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
