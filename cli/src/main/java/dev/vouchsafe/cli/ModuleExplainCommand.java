package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Shows an administrator why a process is, or isn't, a module. */
@Command(
    name = "explain",
    description = {
      "Holds a process against a module's registration: each selector, what was measured, and"
          + " whether it holds; the rules for every caller; and the verdict with its reason.",
      "The service must run; it looks at the process now, not at a connection of it, so it can't"
          + " tell who wrote a request or holds a connection: of a strict registration it says so in"
          + " a note beside the verdict. Ends with 0 if all holds that a process shows, 3 if the"
          + " process would be refused, 4 if it can't be measured now."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe module explain --pid 4711 web",
      "  vouchsafe module explain --pid $(pidof mosquitto) edgeHub -o json"
    })
final class ModuleExplainCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable ModuleCommand parent;

  @Parameters(paramLabel = "NAME", description = "The module's name.")
  private String name = "";

  @Option(names = "--pid", paramLabel = "N", required = true, description = "The process's id.")
  private int pid;

  ModuleExplainCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    if (pid < 1) {
      throw CommandFailure.usage("--pid is 1 or more");
    }
    RootCommand globals = ModuleCommand.globals(parent);
    JsonNode answer =
        AdminCommands.client(globals.home())
            .postJson(
                "/modules/" + Targets.encoded(name) + "/explain",
                AdminCommands.body(json -> json.writeNumberField("pid", pid)));
    String outcome = answer.path("outcome").asText();
    ExitCode ended = exitCode(outcome);
    if (globals.json()) {
      Json.print(console.out(), answer);
    } else {
      print(answer, outcome);
    }
    return ended.number();
  }

  private static ExitCode exitCode(String outcome) throws CommandFailure {
    return switch (outcome) {
      case "attested" -> ExitCode.DONE;
      case "refused" -> ExitCode.REFUSED;
      case "unavailable" -> ExitCode.UNAVAILABLE;
      default -> throw CommandFailure.failed("the service's answer has no outcome");
    };
  }

  private void print(JsonNode answer, String outcome) {
    for (String list : new String[] {"selectors", "rules"}) {
      for (JsonNode line : answer.path(list)) {
        String part = line.path("part").asText();
        line(
            "%-13s  %s%s: %s"
                .formatted(
                    said(part, line.path("outcome").asText()),
                    part.equals(list) ? "" : part + " ",
                    line.path("wanted").asText(),
                    line.path("measured").asText()));
      }
    }
    String reason = answer.path("reason").asText("");
    line(
        "process "
            + pid
            + " and module "
            + answer.path("module").asText()
            + ": "
            + outcome
            + (outcome.equals("attested") ? ", as far as a process shows" : "")
            + (reason.isEmpty() ? "" : ", " + reason + ": " + answer.path("detail").asText()));
    answer.path("notes").forEach(note -> line("note: " + note.asText()));
  }

  /** What must not hold is well if it doesn't. */
  private static String said(String part, String outcome) {
    if (!part.equals("not")) {
      return outcome;
    }
    return switch (outcome) {
      case "holds" -> "forbids";
      case "does-not-hold" -> "passes";
      default -> outcome;
    };
  }

  /** What a process chose itself must not reach the terminal as it is. */
  private void line(String text) {
    console.out().println(text.replaceAll("\\p{Cntrl}", "?"));
  }
}
