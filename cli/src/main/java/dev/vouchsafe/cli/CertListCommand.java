package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** Lists the ledger. */
@Command(
    name = "list",
    description = {
      "Lists the certificates for which all holds that is asked for, or all of them; those that"
          + " ended long ago and stand in the archive at the end.",
      "The newest come first; with --expiring-within those that end soonest.",
      "State: issued (signed and verified), intended (recorded, and perhaps signed: it stands as"
          + " issued), withheld (signed, not delivered), failed (not signed)."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe cert list",
      "  vouchsafe cert list --module web -o json",
      "  vouchsafe cert list --expiring-within 30m --state issued",
      "  vouchsafe cert list --since 7d --authority device-1",
      "  vouchsafe cert list --serial 4019"
    })
final class CertListCommand implements Callable<Integer> {
  private static final int PAGE = 1000;
  private static final List<String> STATES =
      List.of("intended", "issued", "withheld", "failed", "revoked");

  private final Console console;

  @ParentCommand private @Nullable CertCommand parent;

  @Option(names = "--module", paramLabel = "NAME", description = "Only those of that module.")
  private @Nullable String module;

  @Option(
      names = "--serial",
      paramLabel = "HEX",
      description = "Only those whose serial number is that, or begins with it.")
  private @Nullable String serial;

  @Option(
      names = "--since",
      paramLabel = "T",
      description = "Issued not before then: RFC 3339, or how long ago, such as 90m or 7d.")
  private @Nullable String since;

  @Option(names = "--until", paramLabel = "T", description = "Issued before then.")
  private @Nullable String until;

  @Option(
      names = "--expiring-within",
      paramLabel = "SPAN",
      description = "Not ended yet, and ends within that time, such as 30m or 7d.")
  private @Nullable String expiringWithin;

  @Option(
      names = "--state",
      paramLabel = "STATE",
      description =
          "Only those in that state: intended, issued, withheld or failed; or revoked, whatever the"
              + " state.")
  private @Nullable String state;

  @Option(
      names = "--authority",
      paramLabel = "ID",
      description = "Only those of that authority, such as device-1 or issuing-7.")
  private @Nullable String authority;

  @Option(names = "--profile", paramLabel = "NAME", description = "Only those of that profile.")
  private @Nullable String profile;

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
    String target = target();
    JsonNode first = page(client, target, "");
    if (globals.json()) {
      try (Json.Items items = Json.items(console.out())) {
        each(client, target, first, items::add);
      }
    } else {
      Table table = new Table("SERIAL", "MODULE", "PROFILE", "STATE", "NOT AFTER", "NAMES");
      each(client, target, first, item -> row(table, item));
      table.print(console.out());
    }
    return ExitCode.DONE.number();
  }

  private void each(ServiceClient client, String target, JsonNode first, Sink sink)
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
      page = page(client, target, next);
    }
  }

  private JsonNode page(ServiceClient client, String target, String before) throws CommandFailure {
    return client.getJson(
        before.isEmpty() ? target : target + "&before=" + Targets.encoded(before));
  }

  private String target() throws CommandFailure {
    StringBuilder target = new StringBuilder("/certificates?limit=").append(PAGE);
    add(target, "module", module);
    add(target, "serial", serial == null ? null : hex(serial));
    add(target, "since", time("--since", since));
    add(target, "until", time("--until", until));
    if (expiringWithin != null) {
      Duration within = Durations.ofOption("--expiring-within", expiringWithin);
      add(target, "expiringWithin", Long.toString(within.toSeconds()));
    }
    if (state != null && !STATES.contains(state)) {
      throw CommandFailure.usage("--state is one of " + String.join(", ", STATES));
    }
    add(target, "state", state);
    add(target, "authority", authority);
    add(target, "profile", profile);
    return target.toString();
  }

  private static void add(StringBuilder target, String name, @Nullable String value) {
    if (value != null) {
      target.append('&').append(name).append('=').append(Targets.encoded(value));
    }
  }

  private static String hex(String text) throws CommandFailure {
    String wanted = text.replace(":", "").toLowerCase(Locale.ROOT);
    if (!wanted.matches("[0-9a-f]{1,32}")) {
      throw CommandFailure.usage(
          "--serial is the beginning of a serial number in hex, as `vouchsafe cert list` prints"
              + " it; not '"
              + AuditText.clean(text)
              + "'");
    }
    return wanted;
  }

  private @Nullable String time(String option, @Nullable String text) throws CommandFailure {
    return text == null ? null : Durations.ofTimeOption(option, text, console.clock()).toString();
  }

  private static void row(Table table, JsonNode item) {
    table.row(
        item.path("serial").asText(),
        item.path("module").asText(),
        item.path("profile").asText(),
        item.path("state").asText()
            + (item.path("archived").asBoolean() ? ", archived" : "")
            + (item.path("revoked").asBoolean() ? ", revoked" : ""),
        item.path("notAfter").asText(),
        Json.words(item.path("names")));
  }
}
