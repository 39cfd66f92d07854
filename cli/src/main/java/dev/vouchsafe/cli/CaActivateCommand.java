package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Lets the prepared device CA sign. */
@Command(
    name = "activate",
    description = {
      "Lets the prepared device CA sign in place of the active one.",
      "If it is in another key store, that store seals what the modules' keys and the tokens' keys"
          + " are made of from then on: they stay the same, and so does all that was encrypted."
          + " Certificates that the old one signed stay valid until they end."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe ca activate", "  vouchsafe ca activate device-2"})
final class CaActivateCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  @Parameters(
      paramLabel = "ID",
      arity = "0..1",
      description = "Which one, such as device-2. Default: the one that is prepared.")
  private @Nullable String id;

  CaActivateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    ServiceClient client = AdminCommands.patient(globals.home());
    String meant = id == null ? CaSteps.prepared(client) : id;
    JsonNode active =
        client.postJson(
            "/authorities/" + Targets.encoded(meant) + "/activate", AdminCommands.body(json -> {}));
    String next = CaSteps.mendConfiguration(globals, active.path("keyStore").asText());
    CaSteps.print(
        console.out(),
        globals.json(),
        active,
        "it signs from now on; what was issued before stays valid",
        next);
    return ExitCode.DONE.number();
  }
}
