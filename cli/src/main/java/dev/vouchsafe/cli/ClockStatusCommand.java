package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Says how the time stands. */
@Command(
    name = "status",
    description = {
      "Says whether the service trusts the machine's clock, which time it goes by, and what to do.",
      "A clock is not trusted if it is behind the build of this program or behind the floor, the"
          + " latest moment that is known to have passed; nor if it is more than 400 days ahead of"
          + " the floor and the kernel doesn't say that it is synchronised.",
      "Exit status: 0 it is trusted, 1 it is not, 4 the service does not answer."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe clock status", "  vouchsafe clock status -o json"})
final class ClockStatusCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable ClockCommand parent;

  ClockStatusCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = ClockCommand.globals(parent);
    JsonNode clock = AdminCommands.client(globals.home()).getJson("/clock");
    String next = next(globals, clock);
    if (globals.json()) {
      ObjectNode document = clock.deepCopy();
      document.put("next", next);
      Json.print(console.out(), document);
    } else {
      print(console.out(), clock);
      console.out().println("next: " + next);
    }
    return (clock.path("trusted").asBoolean() ? ExitCode.DONE : ExitCode.FAILED).number();
  }

  private static String next(RootCommand globals, JsonNode clock) {
    String accept = "vouchsafe " + globals.homeArgument() + "clock accept";
    return switch (clock.path("verdict").asText()) {
      case "trusted" -> trusted(clock, accept);
      case "behind-build" -> "set the machine's clock";
      default -> "set the machine's clock; if it is right as it is: " + accept;
    };
  }

  private static String trusted(JsonNode clock, String accept) {
    if (clock.has("fault")) {
      return "see the file of the floor and its disk, then the log";
    }
    return clock.path("certain").asBoolean()
        ? "nothing"
        : "look whether the machine's time is right, and then: "
            + accept
            + " (until then no authority retires, and no root is published)";
  }

  /** The same lines for whoever asks and whoever accepts. */
  static void print(PrintStream out, JsonNode clock) {
    line(
        out,
        "clock",
        clock.path("trusted").asBoolean()
            ? "trusted" + (clock.path("certain").asBoolean() ? "" : ", not certain")
            : "not trusted: "
                + clock.path("verdict").asText()
                + (clock.path("untrusted").asText().equals("stop")
                    ? "; nothing is issued"
                    : "; what is issued lives for an hour at most"));
    line(out, "time", clock.path("time").asText());
    line(out, "machine", clock.path("machine").asText());
    line(out, "floor", clock.path("floor").asText());
    line(out, "synchronised", clock.path("synchronised").asText());
    line(out, "jumps", clock.path("jumps").asText());
    JsonNode last = clock.path("last");
    if (last.isObject()) {
      line(
          out,
          "last change",
          last.path("kind").asText()
              + ", from "
              + last.path("from").asText()
              + " to "
              + last.path("to").asText());
    }
    if (clock.has("fault")) {
      line(out, "fault", clock.path("fault").asText());
    }
  }

  private static void line(PrintStream out, String name, String text) {
    out.println("%-13s %s".formatted(name + ":", text.replaceAll("\\p{Cntrl}", "?")));
  }
}
