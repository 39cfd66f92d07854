package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintStream;
import java.util.Optional;

/**
 * What the steps in an authority's life have in common: which one is meant, and what comes next.
 */
final class CaSteps {
  private CaSteps() {}

  /** The device CA that is prepared: a step without an id means it. */
  static String prepared(ServiceClient client) throws CommandFailure {
    return find(client.getJson("/authorities"), "device", "prepared")
        .map(authority -> authority.path("id").asText())
        .orElseThrow(() ->
            CommandFailure.failed(
                "no authority is prepared; make one with `vouchsafe ca prepare --key-store"
                    + " NAME`"));
  }

  /** The one of a role that is in one of these states, the first that any is in. */
  static String meant(ServiceClient client, CaRole role, String... states) throws CommandFailure {
    JsonNode authorities = client.getJson("/authorities");
    for (String state : states) {
      Optional<JsonNode> found = find(authorities, role.name(), state);
      if (found.isPresent()) {
        return found.get().path("id").asText();
      }
    }
    throw CommandFailure.failed(
        "no " + role + " is " + String.join(" or ", states) + "; see `vouchsafe ca status`");
  }

  private static Optional<JsonNode> find(JsonNode authorities, String role, String state) {
    Optional<JsonNode> found = Optional.empty();
    for (JsonNode authority : authorities.path("items")) {
      if (authority.path("role").asText().equals(role)
          && authority.path("state").asText().equals(state)) {
        found = Optional.of(authority);
      }
    }
    return found;
  }

  /** What is to be done next, as far as the service and the configuration tell. */
  static String next(RootCommand globals, JsonNode authorities) throws CommandFailure {
    if (find(authorities, "device", "prepared").isPresent()) {
      return activate(globals);
    }
    return find(authorities, "device", "active")
        .flatMap(device -> mendConfiguration(globals, device))
        .orElse("nothing");
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
