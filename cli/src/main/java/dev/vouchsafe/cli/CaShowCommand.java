package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Shows root and device CA. */
@Command(
    name = "show",
    description =
        "Shows every authority: what it does, where it stands, where its key is, and its SHA-256"
            + " fingerprint. The root's fingerprint is what a leaf device is told.",
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe ca show", "  vouchsafe ca show -o json"})
final class CaShowCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  CaShowCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    JsonNode authorities = AdminCommands.client(globals.home()).getJson("/authorities");
    if (globals.json()) {
      Json.print(console.out(), authorities);
      return ExitCode.DONE.number();
    }
    Table table = new Table("ID", "ROLE", "STATE", "KEY STORE", "SUBJECT", "NOT AFTER", "SHA-256");
    for (JsonNode item : authorities.path("items")) {
      table.row(
          item.path("id").asText(),
          item.path("role").asText(),
          item.path("state").asText(),
          item.path("keyStore").asText(),
          item.path("subject").asText(),
          item.path("notAfter").asText(),
          item.path("sha256").asText());
    }
    table.print(console.out());
    return ExitCode.DONE.number();
  }
}
