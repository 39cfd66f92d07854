package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParentCommand;

/** Says what a rotation would do, and changes nothing. */
@Command(
    name = "plan",
    description = {
      "A dry run: says which steps are to come, when each may or will happen, what it waits for, and"
          + " which certificates, modules and readers of the trust bundle it affects. Changes nothing."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe ca plan", "  vouchsafe ca plan --authority root -o json"})
final class CaPlanCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  @Mixin private CaRoleOption whose = new CaRoleOption();

  CaPlanCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    JsonNode standing = AdminCommands.client(globals.home()).getJson("/rotation");
    JsonNode plan = standing.path(whose.role().name());
    if (globals.json()) {
      Json.print(console.out(), plan);
    } else {
      RotationText.plan(console.out(), plan);
    }
    return ExitCode.DONE.number();
  }
}
