package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Gives an administrator the key that a verifier of a module's signatures needs. */
@Command(
    name = "key",
    description = {
      "Prints the symmetric key (HMAC-SHA256, base64) that the module's SAS tokens are signed with,"
          + " for whoever must verify them: a hub, or a broker.",
      "Whoever has it can sign as this module. The service must run; it records who asked, before"
          + " it answers. A new generation id gives the module a new key."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe module key web", "  vouchsafe module key web --which secondary -o json"})
final class ModuleKeyCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable ModuleCommand parent;

  @Parameters(paramLabel = "NAME", description = "The module's name.")
  private String name = "";

  @Option(
      names = "--which",
      paramLabel = "KEY",
      defaultValue = "primary",
      description = "Which of its two keys: primary (the default) or secondary.")
  private String which = "primary";

  ModuleKeyCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    if (!List.of("primary", "secondary").contains(which)) {
      throw CommandFailure.usage("--which is primary or secondary");
    }
    RootCommand globals = ModuleCommand.globals(parent);
    JsonNode answer =
        AdminCommands.client(globals.home())
            .postJson(
                "/modules/" + Targets.encoded(name) + "/key",
                AdminCommands.body(json -> json.writeStringField("which", which)));
    if (globals.json()) {
      Json.print(console.out(), answer);
    } else {
      console.out().println(answer.path("key").asText());
    }
    return ExitCode.DONE.number();
  }
}
