package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs commands as processes of their own, for what a process can do once only: find the tokens
 * that its environment names, or load a PKCS#11 library.
 */
final class ProcessRun {
  private final Path home;
  private final Map<String, String> environment;

  ProcessRun(Path home, Map<String, String> environment) {
    this.home = home;
    this.environment = Map.copyOf(environment);
  }

  /** The same with one more variable. */
  ProcessRun with(String name, String value) {
    Map<String, String> more = new HashMap<>(environment);
    more.put(name, value);
    return new ProcessRun(home, more);
  }

  /** Runs a command to its end. */
  CliRun.Ended run(String... args) throws IOException, InterruptedException {
    try (ServiceProcess process = ServiceProcess.start(home, variables(), args)) {
      StringBuilder said = new StringBuilder();
      for (String line = process.line(); line != null; line = process.line()) {
        said.append(line).append('\n');
      }
      return new CliRun.Ended(process.ended(), said.toString(), process.log());
    }
  }

  /** Starts the service and waits until it is ready. */
  ServiceProcess serve() throws IOException {
    ServiceProcess service = ServiceProcess.start(home, variables(), "serve");
    String line = service.line();
    if (line == null || !line.startsWith("ready ")) {
      service.close();
      throw new IOException("the service does not start: " + service.log());
    }
    return service;
  }

  private List<String> variables() {
    return environment.entrySet().stream()
        .map(each -> each.getKey() + "=" + each.getValue())
        .toList();
  }
}
