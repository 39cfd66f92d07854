package dev.vouchsafe.cli;

import dev.vouchsafe.attestation.Registration;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Prints the environment that a module written for IoT Edge or SPIFFE reads. */
@Command(
    name = "env",
    description = {
      "Prints the environment variables that a module written for IoT Edge or SPIFFE needs, one"
          + " KEY=value a line, quoted for a shell and for systemd's EnvironmentFile=."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe module env web > /etc/web.env",
      "  set -a; eval \"$(vouchsafe module env web)\"; set +a; exec ./web"
    })
final class ModuleEnvCommand implements Callable<Integer> {
  private static final String API_VERSION = "2022-08-03";

  private final Console console;

  @ParentCommand private @Nullable ModuleCommand parent;

  @Parameters(paramLabel = "NAME", description = "The module's name.")
  private String name = "";

  @Option(
      names = "--hub",
      paramLabel = "HOST",
      description =
          "What IOTEDGE_IOTHUBHOSTNAME is to be, the audience of the module's tokens. Default: the"
              + " trust domain.")
  private @Nullable String hub;

  @Option(
      names = "--gateway",
      paramLabel = "HOST",
      description =
          "What IOTEDGE_GATEWAYHOSTNAME is to be, the host that the module connects to. Default:"
              + " this machine's host name.")
  private @Nullable String gateway;

  ModuleEnvCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = ModuleCommand.globals(parent);
    Logs.quiet(console, globals.verbose());
    Home home = globals.home();
    Map<String, String> variables =
        variables(configuration(home), ModuleFiles.find(ModuleFiles.read(home), name));
    if (globals.json()) {
      Json.print(
          console.out(),
          json -> {
            json.writeStartObject();
            for (Map.Entry<String, String> variable : variables.entrySet()) {
              json.writeStringField(variable.getKey(), variable.getValue());
            }
            json.writeEndObject();
          });
    } else {
      variables.forEach((key, value) -> console.out().println(key + "=" + Shell.quoted(value)));
    }
    return ExitCode.DONE.number();
  }

  private static Configuration configuration(Home home) throws CommandFailure {
    try {
      return ConfigurationFile.read(home);
    } catch (ConfigurationException e) {
      throw CommandFailure.failed(Causes.text(e), e);
    }
  }

  private Map<String, String> variables(Configuration configuration, Registration module) {
    Map<String, String> variables = new LinkedHashMap<>();
    variables.put("IOTEDGE_WORKLOADURI", "unix://" + configuration.listen().workload());
    variables.put("IOTEDGE_AUTHSCHEME", "sasToken");
    variables.put("IOTEDGE_DEVICEID", configuration.gateway().deviceId());
    variables.put("IOTEDGE_MODULEID", module.name());
    variables.put("IOTEDGE_MODULEGENERATIONID", module.generation());
    // With a dot in it, since the C SDK takes no other; a host name often has none.
    variables.put(
        "IOTEDGE_IOTHUBHOSTNAME", hub == null ? configuration.gateway().trustDomain() : hub);
    variables.put(
        "IOTEDGE_GATEWAYHOSTNAME",
        gateway == null ? Names.hostName().orElse(configuration.gateway().deviceId()) : gateway);
    variables.put("IOTEDGE_APIVERSION", API_VERSION);
    if (module.spiffePath().isPresent()) {
      configuration
          .listen()
          .spiffe()
          .ifPresent(socket -> variables.put("SPIFFE_ENDPOINT_SOCKET", "unix://" + socket));
    }
    return variables;
  }
}
