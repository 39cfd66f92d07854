package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Lists the ledger. */
@Command(
    name = "list",
    description = {
      "Lists the certificates, newest first, all of them.",
      "State: issued (signed and verified), intended (recorded, and perhaps signed: it stands as"
          + " issued), withheld (signed, not delivered), failed (not signed)."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe cert list", "  vouchsafe cert list --module web -o json"})
final class CertListCommand implements Callable<Integer> {
  private static final int PAGE = 1000;

  private final Console console;

  @ParentCommand private @Nullable CertCommand parent;

  @Option(names = "--module", paramLabel = "NAME", description = "Only those of that module.")
  private @Nullable String module;

  CertListCommand(Console console) {
    this.console = console;
  }

  /** Takes one entry after the other: a long ledger never lies in memory as a whole. */
  private interface Sink {
    void take(JsonNode item) throws IOException;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CertCommand.globals(parent);
    ServiceClient client = AdminCommands.client(globals.home());
    JsonNode first = page(client, "");
    if (globals.json()) {
      try (Json.Items items = Json.items(console.out())) {
        each(client, first, items::add);
      }
    } else {
      Table table = new Table("SERIAL", "MODULE", "PROFILE", "STATE", "NOT AFTER", "NAMES");
      each(client, first, item -> row(table, item));
      table.print(console.out());
    }
    return ExitCode.DONE.number();
  }

  private void each(ServiceClient client, JsonNode first, Sink sink)
      throws CommandFailure, IOException {
    JsonNode page = first;
    while (true) {
      for (JsonNode item : page.path("items")) {
        sink.take(item);
      }
      String next = page.path("next").asText("");
      if (next.isEmpty()) {
        return;
      }
      page = page(client, next);
    }
  }

  private JsonNode page(ServiceClient client, String before) throws CommandFailure {
    StringBuilder target = new StringBuilder("/certificates?limit=").append(PAGE);
    if (module != null) {
      target.append("&module=").append(Targets.encoded(module));
    }
    if (!before.isEmpty()) {
      target.append("&before=").append(Targets.encoded(before));
    }
    return client.getJson(target.toString());
  }

  private static void row(Table table, JsonNode item) {
    table.row(
        item.path("serial").asText(),
        item.path("module").asText(),
        item.path("profile").asText(),
        item.path("state").asText(),
        item.path("notAfter").asText(),
        Json.words(item.path("names")));
  }
}
