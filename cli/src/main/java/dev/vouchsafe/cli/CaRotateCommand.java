package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParentCommand;

/** Takes every step of a rotation that can be taken now. */
@Command(
    name = "rotate",
    description = {
      "Takes every step of a rotation that can be taken now, and says what the rest waits for. It can"
          + " be run again and again: while an old authority is retiring, no new rotation begins."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe ca rotate", "  vouchsafe ca rotate --authority root -o json"})
final class CaRotateCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  @Mixin private CaRoleOption whose = new CaRoleOption();

  CaRotateCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    ServiceClient client = AdminCommands.patient(globals.home());
    String role = whose.role().name();
    JsonNode taken =
        CaSteps.take(
            console, client, "", "rotate", json -> json.writeStringField("authority", role));
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
    RotationText.next(console.out(), standing.path(role));
    return ExitCode.DONE.number();
  }
}
