package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Shows what the service publishes. */
@Command(
    name = "show",
    description = {
      "Shows the trust bundle that the running service publishes: the roots, the CAs that were"
          + " added, by whom and when, and the readers that are known, with the version that each"
          + " was handed last.",
      "A reader is known if it stands as one registration only; whoever is behind has asked for"
          + " something, and was not handed the current version."
    },
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
    print(console.out(), globals.json(), bundle);
    return ExitCode.DONE.number();
  }

  /** What the service says of the bundle, or of one that it has just changed. */
  static void print(PrintStream out, boolean json, JsonNode bundle) throws IOException {
    if (json) {
      Json.print(out, bundle);
      return;
    }
    out.println("sequence  " + bundle.path("sequence").asText());
    if (bundle.has("etag")) {
      out.println("etag      " + bundle.path("etag").asText());
      out.println("refresh   every " + bundle.path("refreshSeconds").asText() + " s");
    }
    Table table = new Table("KIND", "ID", "SUBJECT", "NOT AFTER", "SINCE");
    bundle.path("roots").forEach(root -> row(table, "root", root, activation(root)));
    bundle.path("extra").forEach(ca -> row(table, "added", ca, addition(ca)));
    table.print(out);
    readers(out, bundle);
  }

  private static void row(Table table, String kind, JsonNode item, String since) {
    table.row(
        kind,
        item.path("sha256").asText(),
        item.path("subject").asText(),
        item.path("notAfter").asText(),
        since);
  }

  private static String activation(JsonNode root) {
    return root.has("activates") ? "issues from " + root.path("activates").asText() : "";
  }

  private static String addition(JsonNode ca) {
    return ca.has("addedBy")
        ? ca.path("addedAt").asText() + " by " + ca.path("addedBy").asText()
        : "";
  }

  private static void readers(PrintStream out, JsonNode bundle) {
    if (bundle.path("readers").isEmpty()) {
      return;
    }
    out.println();
    Table table = new Table("READER", "SEQUENCE", "FETCHED", "HEARD OF", "");
    for (JsonNode reader : bundle.path("readers")) {
      long sequence = reader.path("sequence").asLong();
      table.row(
          reader.path("module").asText(),
          sequence == 0 ? "unknown" : Long.toString(sequence),
          reader.path("fetched").asText("-"),
          reader.path("heard").asText(),
          reader.path("behind").asBoolean() ? "behind" : "");
    }
    table.print(out);
  }
}
