package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Puts a backup in the place of the home's data, and accepts what it doesn't know. */
@Command(
    name = "restore",
    description = {
      "Restores a backup while no service runs: into a home without data, or over one that is"
          + " there, which is moved aside and never deleted. vouchsafe.toml, seal.key and the key"
          + " store must be there; they prove that the backup is this gateway's.",
      "What was issued, revoked or rotated after the backup is not in it. So the service issues"
          + " nothing until that gap is accepted; then a new device CA takes over first. Where the"
          + " present data knows more than the backup, it says what, and ends with 3 unless"
          + " --accept-gap is given. What was revoked stays revoked.",
      "Without FILE: accepts the gap in the running service."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe restore /mnt/backup/gw-monday.zip",
      "  vouchsafe restore --accept-gap",
      "  vouchsafe restore /mnt/backup/gw-monday.zip --accept-gap"
    })
final class RestoreCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable RootCommand root;

  @Parameters(paramLabel = "FILE", arity = "0..1", description = "The backup.")
  private @Nullable Path file;

  @Option(
      names = "--accept-gap",
      description = "What was issued after the backup and is not in the ledger is accepted.")
  private boolean acceptGap;

  RestoreCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = RootCommand.of(root);
    Logs.quiet(console, globals.verbose());
    if (file != null) {
      HomeRestorer.Restored restored =
          new HomeRestorer(globals.home(), console).restore(file, acceptGap);
      print(globals, restored);
    } else if (acceptGap) {
      accept(globals);
    } else {
      throw CommandFailure.usage("name the backup's FILE, or give --accept-gap");
    }
    return ExitCode.DONE.number();
  }

  private void accept(RootCommand globals) throws CommandFailure, IOException {
    JsonNode answer =
        AdminCommands.client(globals.home(), AdminCommands.LONGEST)
            .postJson("/gap/accept", AdminCommands.body(json -> {}));
    if (globals.json()) {
      Json.print(console.out(), answer);
    } else {
      console
          .out()
          .println(
              ("accepted; " + answer.path("authority").asText() + " issues from now on")
                  .replaceAll("\\p{Cntrl}", "?"));
    }
  }

  private void print(RootCommand globals, HomeRestorer.Restored restored) throws IOException {
    String next =
        acceptGap
            ? "start the service: a new device CA takes over first"
            : "start the service, then: vouchsafe "
                + globals.homeArgument()
                + "restore --accept-gap";
    if (globals.json()) {
      Json.print(
          console.out(),
          json -> {
            json.writeStartObject();
            json.writeStringField("backup", restored.backup());
            json.writeStringField("known", restored.known().toString());
            if (restored.aside().isPresent()) {
              json.writeStringField("aside", restored.aside().get().toString());
            }
            Json.strings(json, "told", restored.told());
            Json.strings(json, "lacks", restored.lacks());
            json.writeStringField("next", next);
            json.writeEndObject();
          });
      return;
    }
    console.out().println("restored backup " + restored.backup() + " of " + restored.known());
    if (restored.aside().isPresent()) {
      console.out().println("what was there before is in " + restored.aside().get());
    }
    restored.told().forEach(console.out()::println);
    restored
        .lacks()
        .forEach(line -> console.out().println("not in it, and used as it is: " + line));
    console.out().println("next: " + next);
  }
}
