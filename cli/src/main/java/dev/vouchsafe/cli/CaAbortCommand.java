package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Gives the prepared device CA up, or goes back to the one before. */
@Command(
    name = "abort",
    description = {
      "Gives the prepared device CA, or root, up: it will never sign. The active one goes on as before. Its key"
          + " stays in the key store, unused.",
      "Of the active one, which must be named, it goes back to the one before: that signs again, as"
          + " long as it has not retired. What was issued meanwhile stays valid."
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

  @Option(
      names = "--authority",
      paramLabel = "ROLE",
      defaultValue = "device",
      description =
          "Whose, if no ID is given: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private CaRole authority = CaRole.device;

  CaAbortCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    ServiceClient client = AdminCommands.patient(globals.home());
    String meant =
        id == null
            ? authority == CaRole.device
                ? CaSteps.prepared(client)
                : CaSteps.meant(client, authority, "published", "prepared")
            : id;
    JsonNode given =
        client.postJson(
            "/authorities/" + Targets.encoded(meant) + "/abort", AdminCommands.body(json -> {}));
    boolean back = given.path("state").asText().equals("retiring");
    CaSteps.print(
        console.out(),
        globals.json(),
        given,
        back ? "the one before it signs again" : "the active one goes on as before",
        "");
    return ExitCode.DONE.number();
  }
}
