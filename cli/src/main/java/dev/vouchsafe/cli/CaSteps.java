package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.vouchsafe.ca.AuthorityChanges;
import dev.vouchsafe.ca.AuthorityInfo;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;

/**
 * What the steps in an authority's life have in common: which one is meant, and what comes next.
 */
final class CaSteps {
  private static final Set<String> GIVEN_UP_FROM = Set.of("prepared", "published", "active");

  /** More than the service ever asks for. */
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(3);

  private static final Duration PROGRESS = Duration.ofSeconds(10);

  private CaSteps() {}

  /**
   * The authority that a step is about.
   *
   * @param state the state that it was seen in; empty if it is none that a step is taken from
   */
  record Meant(String id, String state) {
    /** Says in a body what was seen. */
    void writeFrom(JsonGenerator json) throws IOException {
      if (!state.isEmpty()) {
        json.writeStringField("from", state);
      }
    }
  }

  /**
   * The device CA that is prepared to take over from the active one: a step without an id means it.
   * One that is prepared under the next root takes over with that, and is not meant.
   *
   * @param otherwise what is to be done where there is none
   */
  static Meant prepared(ServiceClient client, String otherwise) throws CommandFailure {
    String id = client.getJson("/rotation").at("/device/next/id").asText();
    if (id.isEmpty()) {
      throw CommandFailure.refused("no device CA is prepared; " + otherwise);
    }
    return new Meant(id, "prepared");
  }

  /** The oldest of a role that is in that state. */
  static Meant oldest(ServiceClient client, CaRole role, String state) throws CommandFailure {
    for (JsonNode authority : client.getJson("/authorities").path("items")) {
      if (isIn(authority, role.name(), state)) {
        return new Meant(authority.path("id").asText(), state);
      }
    }
    throw none(role, state);
  }

  private static CommandFailure none(CaRole role, String... states) {
    return CommandFailure.refused(
        "no " + role + " is " + String.join(" or ", states) + "; see `vouchsafe ca status`");
  }

  private static boolean isIn(JsonNode authority, String role, String state) {
    return authority.path("role").asText().equals(role)
        && authority.path("state").asText().equals(state);
  }

  /** The one of a role that is in one of these states, the first that any is in. */
  static Meant meant(ServiceClient client, CaRole role, String... states) throws CommandFailure {
    JsonNode authorities = client.getJson("/authorities");
    for (String state : states) {
      Optional<JsonNode> found = find(authorities, role.name(), state);
      if (found.isPresent()) {
        return new Meant(found.get().path("id").asText(), state);
      }
    }
    throw none(role, states);
  }

  /** Whether the next device CA is certified by others. */
  static boolean isOutside(JsonNode authorities) {
    return find(authorities, "root", "active")
        .filter(root -> root.path("keyStore").asText().equals(AuthorityInfo.OUTSIDE))
        .isPresent();
  }

  /** The one that was named, as it stands. Whether there is one, the service says. */
  static Meant named(ServiceClient client, String id) throws CommandFailure {
    for (JsonNode authority : client.getJson("/authorities").path("items")) {
      String state = authority.path("state").asText();
      if (authority.path("id").asText().equals(id) && GIVEN_UP_FROM.contains(state)) {
        return new Meant(id, state);
      }
    }
    return new Meant(id, "");
  }

  /**
   * Takes a step. Where the service says that it can be taken in a moment, waits for that, and says
   * so.
   *
   * @param id of the authority; empty for a step of a role
   */
  static JsonNode take(
      Console console, ServiceClient client, String id, String step, Json.Writer members)
      throws CommandFailure, IOException {
    String target = "/authorities/" + (id.isEmpty() ? "" : Targets.encoded(id) + "/") + step;
    byte[] body = AdminCommands.body(members);
    long began = System.nanoTime();
    while (true) {
      try {
        return client.postJson(target, body);
      } catch (CommandFailure e) {
        Duration again = e.again().orElseThrow(() -> e);
        Duration waited = Duration.ofNanos(System.nanoTime() - began);
        if (waited.plus(again).compareTo(LONGEST_WAIT) > 0) {
          throw e;
        }
        console.err().println("vouchsafe: waits: " + harmless(String.valueOf(e.getMessage())));
        pause(console, again, e);
      }
    }
  }

  private static void pause(Console console, Duration pause, CommandFailure why)
      throws CommandFailure {
    long end = System.nanoTime() + pause.toNanos();
    try {
      for (long left = pause.toNanos(); left > 0; left = end - System.nanoTime()) {
        console
            .err()
            .println(
                "vouchsafe: " + Duration.ofNanos(left).plusMillis(999).toSeconds() + " s left");
        Thread.sleep(Duration.ofNanos(Math.min(left, PROGRESS.toNanos())));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw why;
    }
  }

  private static Optional<JsonNode> find(JsonNode authorities, String role, String state) {
    Optional<JsonNode> found = Optional.empty();
    for (JsonNode authority : authorities.path("items")) {
      if (isIn(authority, role, state)) {
        found = Optional.of(authority);
      }
    }
    return found;
  }

  /** What is to be done next, as far as the service and the configuration tell. */
  static String next(RootCommand globals, JsonNode authorities, JsonNode rotation)
      throws CommandFailure {
    Optional<String> again = cutOff(globals, rotation.path("journal").path(0));
    if (again.isPresent()) {
      return again.get();
    }
    if (rotation.path("device").has("next")) {
      return activate(globals);
    }
    Optional<String> root = nextOfRoot(globals, rotation.path("root"));
    if (root.isPresent()) {
      return root.get();
    }
    return find(authorities, "device", "active")
        .flatMap(device -> mendConfiguration(globals, device))
        .orElse("nothing");
  }

  /** What a person asked for, and a kill cut off; what the service does by itself it does again. */
  private static Optional<String> cutOff(RootCommand globals, JsonNode last) {
    if (!last.path("outcome").asText().equals("interrupted")
        || last.path("by").asText().equals(AuthorityChanges.AUTOMATIC)) {
      return Optional.empty();
    }
    String authority = last.path("authority").asText();
    boolean root = last.path("role").asText().equals("root");
    return Optional.of(
        "what was cut off, if it is still wanted: vouchsafe "
            + globals.homeArgument()
            + "ca "
            + last.path("step").asText()
            + (authority.isEmpty() ? (root ? " --authority root" : "") : " " + authority));
  }

  /** A root moves by a person only: its rotation is gone on with, once it was begun. */
  private static Optional<String> nextOfRoot(RootCommand globals, JsonNode plan) {
    JsonNode step = plan.path("steps").path(0);
    String word = step.path("step").asText();
    if (word.equals("prepare") || word.isEmpty()) {
      return Optional.empty();
    }
    String when =
        step.path("waitsFor").isEmpty() ? "" : ", when nothing is left that it waits for (above)";
    return Optional.of(
        word
            + " with: vouchsafe "
            + globals.homeArgument()
            + "ca "
            + word
            + (word.equals("publish") ? "" : " --authority root")
            + when);
  }

  /** The same, when both were just seen. */
  static String activate(RootCommand globals) {
    return "activate with: vouchsafe " + globals.homeArgument() + "ca activate";
  }

  /** Says what to change if the configuration would put the next authority elsewhere. */
  static String mendConfiguration(RootCommand globals, String keyStore) throws CommandFailure {
    Home home = globals.home();
    try {
      Configuration.Keys keys = ConfigurationFile.read(home).keys();
      return keys.store().text().equals(keyStore)
          ? ""
          : "set [keys] store = \""
              + keyStore
              + "\" in "
              + home.configuration()
              + ", which still says \""
              + keys.store().text()
              + '"'
              + leaveRoot(keys);
    } catch (ConfigurationException e) {
      return "set [keys] store = \"" + keyStore + "\" in " + home.configuration();
    }
  }

  /** The root stays where it was made, and so must the settings that lead to it. */
  private static String leaveRoot(Configuration.Keys keys) {
    return keys.rootStore() == keys.store()
        ? ", and leave the settings of " + keys.store().text() + " there: the root is in it"
        : "";
  }

  private static Optional<String> mendConfiguration(RootCommand globals, JsonNode device) {
    try {
      return Optional.of(mendConfiguration(globals, device.path("keyStore").asText()))
          .filter(text -> !text.isEmpty());
    } catch (CommandFailure e) {
      return Optional.empty();
    }
  }

  /** Prints an authority after a step, and what comes next. */
  static void print(PrintStream out, boolean asJson, JsonNode authority, String done, String next)
      throws IOException {
    if (asJson) {
      ObjectNode document = authority.deepCopy();
      document.put("next", next);
      Json.print(out, document);
      return;
    }
    String line =
        "%s is %s, its key in key store %s, until %s"
            .formatted(
                authority.path("id").asText(),
                authority.path("state").asText(),
                authority.path("keyStore").asText(),
                authority.path("notAfter").asText());
    out.println(harmless(line));
    for (JsonNode broken : authority.path("breaks")) {
      out.println("may break: " + harmless(broken.asText()));
    }
    if (!done.isEmpty()) {
      out.println(done);
    }
    if (!next.isEmpty()) {
      out.println("next: " + next);
    }
  }

  /** A line for people. */
  static String harmless(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }
}
