package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vouchsafe.ca.AuthorityRequest;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Says where the authorities and their key stores stand, and what the next step is. */
@Command(
    name = "status",
    description = {
      "Says which authorities sign, which step is next, when it happens and what it waits for, and"
          + " what became of the last one.",
      "Says how each key store in use stands, whether each authority's key is there and signs"
          + " (tried just now), and what the next step is.",
      "Exit status: that of the active device CA's key: 0 it works, 4 its store is away, 1 it does"
          + " not work. What is wrong elsewhere, such as with a root whose token is in a drawer, is"
          + " told and does not count."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  vouchsafe ca status", "  vouchsafe ca status -o json"})
final class CaStatusCommand implements Callable<Integer> {
  private final Console console;

  @ParentCommand private @Nullable CaCommand parent;

  CaStatusCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws CommandFailure, IOException {
    RootCommand globals = CaCommand.globals(parent);
    Optional<AuthorityRequest> waiting = OutsideHome.withoutCertificate(globals.home());
    if (waiting.isPresent()) {
      return waits(globals, waiting.get());
    }
    ServiceClient client = AdminCommands.patient(globals.home());
    JsonNode stores = client.getJson("/key-stores");
    JsonNode authorities = client.getJson("/authorities");
    JsonNode rotation = client.getJson("/rotation");
    JsonNode gaps = client.getJson("/status").path("gaps");
    AuthorityStandings standings = AuthorityStandings.of(authorities);
    String next = next(globals, client, authorities, rotation, gaps);
    if (globals.json()) {
      ObjectNode document = stores.deepCopy();
      document.set("rotation", rotation);
      document.set("gaps", gaps);
      document.put("next", next);
      Json.print(console.out(), document);
    } else {
      GapText.lines(gaps, console.clock().instant()).forEach(console.out()::println);
      RotationText.standing(console.out(), rotation);
      console.out().println();
      print(stores, standings, next);
    }
    return code(stores, standings).number();
  }

  private static String next(
      RootCommand globals,
      ServiceClient client,
      JsonNode authorities,
      JsonNode rotation,
      JsonNode gaps)
      throws CommandFailure, IOException {
    if (CaSteps.isOutside(authorities) && OutsideHome.waits(client).isPresent()) {
      return OutsideHome.next(globals.homeArgument());
    }
    return GapText.isOpen(gaps)
        ? "accept the gap with: vouchsafe " + globals.homeArgument() + "restore --accept-gap"
        : CaSteps.next(globals, authorities, rotation);
  }

  /** Nothing is issued yet, and only a person can go on. */
  private int waits(RootCommand globals, AuthorityRequest request) throws IOException {
    String next = OutsideHome.next(globals.homeArgument());
    if (globals.json()) {
      ObjectNode document = JsonNodeFactory.instance.objectNode();
      document.put("waiting", request.id());
      document.put("keyStore", request.keyStore());
      document.put("subject", request.subject());
      document.put("next", next);
      Json.print(console.out(), document);
    } else {
      console.out().println(OutsideHome.told(request));
      console.out().println();
      console.out().println("next: " + next);
    }
    return ExitCode.FAILED.number();
  }

  private void print(JsonNode stores, AuthorityStandings standings, String next) {
    Table names = new Table("KEY STORE", "STATE", "REASON");
    for (JsonNode item : stores.path("items")) {
      names.row(
          item.path("name").asText(), item.path("state").asText(), item.path("reason").asText());
    }
    names.print(console.out());
    console.out().println();
    Table proofs = new Table("AUTHORITY", "STATE", "KEY STORE", "KEY", "DETAIL");
    for (JsonNode proof : stores.path("proofs")) {
      String authority = proof.path("authority").asText();
      proofs.row(
          authority,
          standings.state(authority),
          proof.path("keyStore").asText(),
          proof.path("outcome").asText(),
          proof.path("detail").asText());
    }
    proofs.print(console.out());
    console.out().println();
    console.out().println("next: " + next);
  }

  /** The root's token may be in its drawer, and what is only prepared signs nothing yet. */
  private static ExitCode code(JsonNode stores, AuthorityStandings standings) {
    ExitCode code = ExitCode.DONE;
    for (JsonNode proof : stores.path("proofs")) {
      if (!standings.isNeeded(proof.path("authority").asText())) {
        continue;
      }
      switch (proof.path("outcome").asText()) {
        case "works" -> {
          // As it should be.
        }
        case "unavailable" -> code = code == ExitCode.DONE ? ExitCode.UNAVAILABLE : code;
        default -> code = ExitCode.FAILED;
      }
    }
    return code;
  }
}
