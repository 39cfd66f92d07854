package dev.vouchsafe.tests;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The service as it ships: {@code vouchsafe serve}, started by the launcher, in a process of its
 * own.
 */
final class RunningGateway implements AutoCloseable {
  private static final long LONGEST_STOP_SECONDS = 20;

  private final GatewayHome home;
  private final Process process;
  private final BufferedReader out;
  private final Path log;
  private final List<String> endpoints;

  private RunningGateway(
      GatewayHome home, Process process, BufferedReader out, Path log, List<String> endpoints) {
    this.home = home;
    this.process = process;
    this.out = out;
    this.log = log;
    this.endpoints = endpoints;
  }

  static RunningGateway start(GatewayHome home) throws IOException {
    Path log = Files.createTempFile(home.beside("logs"), "serve", ".log");
    ProcessBuilder builder = new ProcessBuilder(home.command("serve")).redirectError(log.toFile());
    builder.environment().putAll(home.allEnvironment());
    Process process = builder.start();
    BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
    String line = out.readLine();
    if (line == null || !line.startsWith("ready ")) {
      process.destroyForcibly();
      throw new AssertionError("serve said " + line + "\n" + Files.readString(log));
    }
    List<String> endpoints = List.of(line.substring("ready ".length()).split(" "));
    return new RunningGateway(home, process, out, log, endpoints);
  }

  GatewayHome home() {
    return home;
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** What it has logged so far. */
  String log() throws IOException {
    return Files.readString(log);
  }

  /** Waits for a line of its standard output; empty if it ends without. */
  String nextLineContaining(String part) throws IOException {
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.contains(part)) {
        return line;
      }
    }
    return "";
  }

  List<String> endpoints() {
    return endpoints;
  }

  /** Port of the https listener. */
  int httpsPort() {
    return endpoints.stream()
        .filter(endpoint -> endpoint.startsWith("https://"))
        .mapToInt(endpoint -> URI.create(endpoint).getPort())
        .findFirst()
        .orElseThrow();
  }

  /** A connection to the modules' socket, by the tests' own process. */
  UnixHttp connect() throws IOException {
    return new UnixHttp(home.workloadSocket());
  }

  /** SIGKILL: it learns nothing of it. */
  void kill() {
    process.destroyForcibly().onExit().join();
  }

  /** Waits until it has ended by itself. */
  void awaitEnd() throws InterruptedException {
    if (!process.waitFor(LONGEST_STOP_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("serve does not end");
    }
  }

  /** SIGTERM, and its exit status. */
  int stop() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(LONGEST_STOP_SECONDS, TimeUnit.SECONDS)) {
      kill();
      throw new AssertionError("serve did not stop when it was told to");
    }
    return process.exitValue();
  }

  @Override
  public void close() {
    if (process.isAlive()) {
      kill();
    }
  }
}
