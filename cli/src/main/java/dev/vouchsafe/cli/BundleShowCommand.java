package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Shows what the service publishes. */
@Command(
    name = "show",
    description = "Shows the trust bundle that the running service publishes.",
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe bundle show", "  vouchsafe bundle show -o json"})
final class BundleShowCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable BundleCommand parent;

  BundleShowCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = BundleCommand.globals(parent);
    JsonNode bundle = AdminCommands.client(globals.home()).getJson("/bundle");
    if (globals.json()) {
      Json.print(console.out(), bundle);
      return ExitCode.DONE.number();
    }
    console.out().println("sequence  " + bundle.path("sequence").asText());
    console.out().println("etag      " + bundle.path("etag").asText());
    console.out().println("refresh   every " + bundle.path("refreshSeconds").asText() + " s");
    Table table = new Table("KIND", "SUBJECT", "NOT AFTER", "SHA-256");
    for (String kind : new String[] {"roots", "extra"}) {
      for (JsonNode item : bundle.path(kind)) {
        table.row(
            kind.equals("roots") ? "root" : "extra",
            item.path("subject").asText(),
            item.path("notAfter").asText(),
            item.path("sha256").asText());
      }
    }
    table.print(console.out());
    return ExitCode.DONE.number();
  }
}
