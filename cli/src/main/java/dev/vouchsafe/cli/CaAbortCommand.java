package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Gives the prepared device CA up, or goes back to the one before. */
@Command(
    name = "abort",
    description = {
      "Gives the prepared device CA, or root, up: it will never sign. The active one goes on as before. Its key"
          + " stays in the key store, unused.",
      "Where the next device CA is certified elsewhere, it gives the request up that waits, so that"
          + " another can be made; the service need not run for that.",
      "Of the active one, which must be named, it goes back to the one before: that signs again, as"
          + " long as it has not retired. What was issued meanwhile stays valid."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  vouchsafe ca abort",
      "  vouchsafe ca abort device-2",
      "  vouchsafe ca abort --authority root"
    })
final class CaAbortCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  @Parameters(
      paramLabel = "ID",
      arity = "0..1",
      description = "Which one, such as device-2. Default: the one that is prepared.")
  private @Nullable String id;

  @Mixin private CaRoleOption whose = new CaRoleOption();

  CaAbortCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    OutsideHome outside = new OutsideHome(globals.home(), console);
    if (outside.isOursToChange()) {
      return given(globals, outside);
    }
    ServiceClient client = AdminCommands.patient(globals.home());
    CaSteps.Meant meant =
        id != null
            ? CaSteps.named(client, id)
            : whose.role() == CaRole.device
                ? preparedOrRequested(client)
                : CaSteps.meant(client, whose.role(), "published", "prepared");
    // It may be another's turn meanwhile: to give one up is not to take back what signs.
    JsonNode given = CaSteps.take(console, client, meant.id(), "abort", meant::writeFrom);
    if (given.has("request")) {
      gone(globals, given);
      return ExitCode.DONE.number();
    }
    boolean back = given.path("state").asText().equals("retiring");
    CaSteps.print(
        console.out(),
        globals.json(),
        given,
        back ? "the one before it signs again" : "the active one goes on as before",
        "");
    return ExitCode.DONE.number();
  }

  /** The request that waits, if one does: then nothing else is prepared. */
  private static CaSteps.Meant preparedOrRequested(ServiceClient client) throws CommandFailure {
    Optional<JsonNode> waiting =
        CaSteps.isOutside(client.getJson("/authorities"))
            ? OutsideHome.waits(client)
            : Optional.empty();
    return waiting.isPresent()
        ? new CaSteps.Meant(waiting.get().path("id").asText(), "")
        : CaSteps.prepared(client, "what there is shows `vouchsafe ca status`");
  }

  /** Of a home whose device CAs are certified elsewhere, which no service has. */
  private int given(RootCommand globals, OutsideHome outside) throws CommandFailure, IOException {
    if (whose.role() == CaRole.root) {
      throw CommandFailure.usage(
          "the root of this home is with others; only a request is given up");
    }
    JsonNode waiting =
        OutsideHome.waits(globals.home())
            .filter(request -> id == null || request.path("id").asText().equals(id))
            .orElseThrow(() ->
                CommandFailure.refused(
                    "no such request for a certificate waits; nothing was changed"));
    String given = outside.abort();
    ObjectNode told = waiting.deepCopy();
    told.put("id", given);
    told.put("state", "retired");
    gone(globals, told);
    return ExitCode.DONE.number();
  }

  private void gone(RootCommand globals, JsonNode given) throws IOException {
    if (globals.json()) {
      Json.print(console.out(), given);
      return;
    }
    console
        .out()
        .println(
            CaSteps.harmless(
                given.path("id").asText()
                    + " is given up: no certificate for it is taken any more"));
  }
}
