package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What {@code check} says of revocations: whether the world is told of them. */
final class RevocationChecks {
  private static final Duration LIMIT = Duration.ofSeconds(3);
  private static final String TITLE = "revocation";

  private final Home home;

  RevocationChecks(Home home) {
    this.home = home;
  }

  /** Nothing while no service runs: it is the one that publishes. */
  Optional<Finding> look(boolean running) {
    if (!running) {
      return Optional.empty();
    }
    try {
      return Optional.of(finding(AdminCommands.client(home, LIMIT).getJson("/revocations")));
    } catch (CommandFailure e) {
      return Optional.of(Finding.fail(TITLE, Causes.text(e), "see the log of the service"));
    }
  }

  private static Finding finding(JsonNode answer) {
    if (answer.path("issuerRevoked").asBoolean()) {
      return Finding.fail(
          TITLE,
          "the device CA that issues is revoked, so nothing is issued",
          "make another one: `vouchsafe ca prepare`, then `vouchsafe ca activate`");
    }
    List<String> wrong = new ArrayList<>();
    List<String> good = new ArrayList<>();
    for (JsonNode list : answer.path("lists")) {
      String id = list.path("authority").asText();
      String fault = list.path("fault").asText("");
      if (list.path("unlisted").asLong() > 0) {
        wrong.add(id + " has " + list.path("unlisted").asLong() + " that no list names");
      }
      if (list.path("overdue").asBoolean()) {
        wrong.add(
            "the list of " + id + " was to be replaced by " + list.path("nextUpdate").asText());
      }
      if (!fault.isEmpty()) {
        wrong.add("no list of " + id + " can be made: " + fault);
      } else if (list.path("signs").asBoolean() && list.has("nextUpdate")) {
        good.add(id + " until " + list.path("nextUpdate").asText());
      }
    }
    for (JsonNode id : answer.path("distrusted")) {
      good.add(id.asText() + " is revoked as a whole");
    }
    long living = answer.path("living").asLong();
    return wrong.isEmpty()
        ? Finding.ok(
            TITLE,
            living
                + " revoked that have not ended"
                + (good.isEmpty() ? "" : "; lists and authorities: " + String.join(", ", good)))
        : Finding.warn(
            TITLE,
            String.join("; ", wrong),
            "a list is made by itself as soon as the key store and the disk allow it; see"
                + " docs/revocation.md");
  }
}
