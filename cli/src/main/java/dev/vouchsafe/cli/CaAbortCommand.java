package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Gives the prepared device CA up. */
@Command(
    name = "abort",
    description = {
      "Gives the prepared device CA up: it will never sign. The active one goes on as before.",
      "Its key stays in the key store, unused."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe ca abort", "  vouchsafe ca abort device-2"})
final class CaAbortCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  @Parameters(
      paramLabel = "ID",
      arity = "0..1",
      description = "Which one, such as device-2. Default: the one that is prepared.")
  private @Nullable String id;

  CaAbortCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    ServiceClient client = AdminCommands.patient(globals.home());
    String meant = id == null ? CaSteps.prepared(client) : id;
    JsonNode given =
        client.postJson(
            "/authorities/" + Targets.encoded(meant) + "/abort", AdminCommands.body(json -> {}));
    CaSteps.print(console.out(), globals.json(), given, "the active one goes on as before", "");
    return ExitCode.DONE.number();
  }
}
