package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Ends an authority under which nothing lives any more. */
@Command(
    name = "retire",
    description = {
      "Ends an authority that another has taken over from, when the last certificate under it has"
          + " ended: there is no way back to it then. A device CA retires by itself, unless"
          + " [rotation] automatic is false; a root leaves the trust bundle with this, and never does"
          + " so by itself.",
      "As long as something lives under it this is refused, and says what. In the first minute after"
          + " it signed its last this waits, and says so."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe ca retire",
      "  vouchsafe ca retire --authority root",
      "  vouchsafe ca retire device-1 --now"
    })
final class CaRetireCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  @Parameters(
      paramLabel = "ID",
      arity = "0..1",
      description = "Which one, such as device-1. Default: the oldest that is retiring.")
  private @Nullable String id;

  @Option(names = "--now", description = "Although something lives under it; says who may break.")
  private boolean now;

  @Mixin private CaRoleOption whose = new CaRoleOption();

  CaRetireCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    ServiceClient client = AdminCommands.patient(globals.home());
    String meant = id != null ? id : CaSteps.oldest(client, whose.role(), "retiring").id();
    JsonNode retired =
        CaSteps.take(console, client, meant, "retire", json -> json.writeBooleanField("now", now));
    CaSteps.print(console.out(), globals.json(), retired, "it never signs again", "");
    return ExitCode.DONE.number();
  }
}
