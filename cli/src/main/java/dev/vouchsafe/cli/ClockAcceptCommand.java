package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Tells the service that the machine's clock is right. */
@Command(
    name = "accept",
    description = {
      "Tells the service that the machine's clock is right as it is now. The floor becomes that"
          + " time, also where it was later: so a floor is mended that a wrong clock has lifted.",
      "Look at `vouchsafe clock status` first, and set the clock. What was issued while it was not"
          + " trusted is issued anew. It is in the audit log before it is done.",
      "A clock that is behind the build of this program is never accepted."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe clock accept", "  vouchsafe clock accept -o json"})
final class ClockAcceptCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable ClockCommand parent;

  ClockAcceptCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = ClockCommand.globals(parent);
    JsonNode clock =
        AdminCommands.client(globals.home())
            .postJson("/clock/accept", AdminCommands.body(json -> {}));
    if (globals.json()) {
      Json.print(console.out(), clock);
    } else {
      ClockStatusCommand.print(console.out(), clock);
    }
    return (clock.path("trusted").asBoolean() ? ExitCode.DONE : ExitCode.FAILED).number();
  }
}
