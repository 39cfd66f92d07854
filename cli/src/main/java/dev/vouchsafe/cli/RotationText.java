package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintStream;

/** The rotation of authorities, for people. */
final class RotationText {
  private RotationText() {}

  /** One line for each role, then what happened last. */
  static void standing(PrintStream out, JsonNode standing) {
    Table table = new Table("ROLE", "ACTIVE", "UNTIL", "NEXT STEP", "WHEN", "BY");
    row(table, "device", standing.path("device"));
    row(table, "root", standing.path("root"));
    table.print(out);
    for (String role : new String[] {"device", "root"}) {
      for (JsonNode reason : standing.path(role).path("steps").path(0).path("waitsFor")) {
        line(out, role + " waits for: " + reason.asText());
      }
    }
    if (!standing.path("automatic").asBoolean()) {
      out.println("[rotation] automatic is false: nothing happens by itself");
    } else if (standing.has("window")) {
      line(out, "maintenance window (UTC): " + standing.path("window").asText());
    }
    if (standing.has("problem")) {
      line(out, "held up: " + standing.path("problem").asText());
    }
    JsonNode last = standing.path("journal").path(0);
    if (last.isObject()) {
      line(out, "last step: " + event(last));
    }
  }

  private static void row(Table table, String role, JsonNode plan) {
    JsonNode step = plan.path("steps").path(0);
    table.row(
        role,
        plan.path("active").path("id").asText(),
        plan.path("active").path("notAfter").asText(),
        step.isObject() ? name(role, step) : "-",
        step.path("from").asText("-"),
        step.isObject() ? by(step) : "-");
  }

  private static String name(String role, JsonNode step) {
    String authority = step.path("authority").asText();
    return step.path("step").asText() + " " + (authority.isEmpty() ? fresh(role) : authority);
  }

  private static String fresh(String role) {
    return role.equals("device") ? "a new device CA" : "a new " + role;
  }

  private static String by(JsonNode step) {
    return step.path("automatic").asBoolean() ? "itself" : "you";
  }

  private static String event(JsonNode event) {
    String what =
        event.path("at").asText()
            + " "
            + name(event.path("role").asText(), event)
            + (event.path("by").asText().isEmpty() ? "" : " by " + event.path("by").asText())
            + ": "
            + event.path("outcome").asText();
    return switch (event.path("outcome").asText()) {
      case "begun" -> what + ", and not ended yet: look again";
      case "interrupted" ->
          what
              + "; the service ended in the middle of it, and nothing of it is left: take it again";
      default -> what;
    };
  }

  /** What comes next in a plan. */
  static void next(PrintStream out, JsonNode plan) {
    JsonNode step = plan.path("steps").path(0);
    String role = plan.path("active").path("role").asText();
    if (!step.isObject()) {
      return;
    }
    line(
        out,
        "next: "
            + name(role, step)
            + (step.has("from") ? ", from " + step.path("from").asText() : "")
            + ", by "
            + by(step));
    for (JsonNode reason : step.path("waitsFor")) {
      line(out, "  waits for: " + reason.asText());
    }
  }

  /** Every step of a plan. */
  static void plan(PrintStream out, JsonNode plan) {
    JsonNode active = plan.path("active");
    line(
        out,
        active.path("id").asText()
            + " signs, its key in key store "
            + active.path("keyStore").asText()
            + ", until "
            + active.path("notAfter").asText());
    int number = 1;
    for (JsonNode step : plan.path("steps")) {
      line(
          out,
          number++
              + ". "
              + name(active.path("role").asText(), step)
              + (step.has("from") ? ", from " + step.path("from").asText() : "")
              + ", by "
              + by(step));
      step.path("waitsFor").forEach(text -> line(out, "   waits for: " + text.asText()));
      step.path("affects").forEach(text -> line(out, "   affects: " + text.asText()));
    }
  }

  private static void line(PrintStream out, String text) {
    out.println(CaSteps.harmless(text));
  }
}
