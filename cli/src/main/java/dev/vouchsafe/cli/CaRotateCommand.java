package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Takes every step of a rotation that can be taken now. */
@Command(
    name = "rotate",
    description = {
      "Takes every step of a rotation that can be taken now, and says what the rest waits for. It can"
          + " be run again and again: while an old authority is retiring, no new rotation begins."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe ca rotate", "  vouchsafe ca rotate -o json"})
final class CaRotateCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  @Option(
      names = "--authority",
      paramLabel = "ROLE",
      defaultValue = "device",
      description = "Whose: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
  private CaRole authority = CaRole.device;

  CaRotateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    ServiceClient client = AdminCommands.patient(globals.home());
    JsonNode taken =
        client.postJson(
            "/authorities/rotate",
            AdminCommands.body(json -> json.writeStringField("authority", authority.name())));
    JsonNode standing = client.getJson("/rotation");
    if (globals.json()) {
      ObjectNode document = taken.deepCopy();
      document.set("rotation", standing);
      Json.print(console.out(), document);
      return ExitCode.DONE.number();
    }
    for (JsonNode step : taken.path("items")) {
      CaSteps.print(console.out(), false, step, "", "");
    }
    if (taken.path("items").isEmpty()) {
      console.out().println("no step can be taken now");
    }
    RotationText.next(console.out(), standing.path(authority.name()));
    return ExitCode.DONE.number();
  }
}
