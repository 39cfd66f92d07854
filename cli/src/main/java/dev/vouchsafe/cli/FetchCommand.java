package dev.vouchsafe.cli;

import dev.vouchsafe.ca.GatewayIdentity;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** Asks the service as a module would. */
@Command(
    name = "fetch",
    description = {
      "Asks the running service as any module would: over the workload socket, as the process that"
          + " this command is. What it gets depends on what is registered for that process: its user,"
          + " and its executable, which is the Java that runs it."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe fetch identity",
      "  vouchsafe fetch certificate --out /run/web",
      "  vouchsafe fetch token --audience hub.example"
    })
final class FetchCommand implements Runnable {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int MOST_OCTETS = 4 * 1024 * 1024;

  @ParentCommand private @Nullable RootCommand root;
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--socket",
      paramLabel = "PATH",
      scope = ScopeType.INHERIT,
      description =
          "The workload socket. Default: run/workload.sock of the home, or what its"
              + " vouchsafe.toml says.")
  private @Nullable Path socket;

  RootCommand globals() {
    return RootCommand.of(root);
  }

  static FetchCommand of(@Nullable FetchCommand parent) {
    if (parent == null) {
      throw new IllegalStateException("a command runs under its group only");
    }
    return parent;
  }

  /** A client of the workload socket. */
  ServiceClient client() throws CommandFailure {
    return new ServiceClient(new UnixHttpClient(socket(), LIMIT, MOST_OCTETS));
  }

  /** What a SAS token is about: the environment of an IoT Edge module, else the configuration. */
  SasToken.Surroundings settings(Console console) {
    Optional<GatewayIdentity> configured = configuredIdentity();
    return new SasToken.Surroundings(
        variable(console, "IOTEDGE_IOTHUBHOSTNAME")
            .or(() -> configured.map(GatewayIdentity::trustDomain)),
        variable(console, "IOTEDGE_DEVICEID").or(() -> configured.map(GatewayIdentity::deviceId)));
  }

  private Optional<GatewayIdentity> configuredIdentity() {
    try {
      return Optional.of(ConfigurationFile.read(globals().home()).gateway());
    } catch (CommandFailure | ConfigurationException e) {
      // A module may not be able to read it, and needn't: the options are left.
      return Optional.empty();
    }
  }

  private static Optional<String> variable(Console console, String name) {
    return Optional.ofNullable(console.environment().get(name)).filter(text -> !text.isEmpty());
  }

  /**
   * A module may not be able to read the configuration, and needn't: the usual path comes first.
   */
  private Path socket() throws CommandFailure {
    if (socket != null) {
      return socket;
    }
    Home home = globals().home();
    if (Files.exists(home.workloadSocket())) {
      return home.workloadSocket();
    }
    return ServiceClient.configured(home, Configuration.Listen::workload, home.workloadSocket());
  }

  @Override
  public void run() {
    throw Groups.missing(spec);
  }
}
