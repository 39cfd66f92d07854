package dev.vouchsafe.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What people are told of gaps: times of which a restored ledger may not know all. */
final class GapText {
  private static final String TITLE = "gap";

  private GapText() {}

  /** Whether nothing is issued because of one. */
  static boolean isOpen(JsonNode gaps) {
    for (JsonNode gap : gaps) {
      if (gap.path("open").asBoolean()) {
        return true;
      }
    }
    return false;
  }

  /** A line for each that unknown certificates may still live from. */
  static List<String> lines(JsonNode gaps, Instant now) {
    return told(gaps, now).stream().map(text -> TITLE + ": " + text).toList();
  }

  private static List<String> told(JsonNode gaps, Instant now) {
    List<String> lines = new ArrayList<>();
    for (JsonNode gap : gaps) {
      if (gap.path("open").asBoolean() || lives(gap, now)) {
        lines.add(
            (line(gap) + (gap.path("open").asBoolean() ? "; nothing is issued" : ""))
                .replaceAll("\\p{Cntrl}", "?"));
      }
    }
    return lines;
  }

  private static String line(JsonNode gap) {
    return "what was issued from "
        + gap.path("known").asText()
        + " to "
        + gap.path("restored").asText()
        + " is not in the ledger and may live until "
        + gap.path("latestEnd").asText();
  }

  /** One whose time can't be read lives. */
  private static boolean lives(JsonNode gap, Instant now) {
    try {
      return Instant.parse(gap.path("latestEnd").asText()).isAfter(now);
    } catch (DateTimeException e) {
      return true;
    }
  }

  /** What {@code check} says; nothing where there is nothing to say. */
  static Optional<Finding> finding(JsonNode gaps, Instant now) {
    List<String> lines = told(gaps, now);
    if (lines.isEmpty()) {
      return Optional.empty();
    }
    String text = String.join("; ", lines);
    if (!isOpen(gaps)) {
      return Optional.of(
          Finding.warn(TITLE, text, "until then it can't be revoked; see docs/backup.md"));
    }
    boolean wanted = false;
    for (JsonNode gap : gaps) {
      wanted |= gap.path("open").asBoolean() && gap.has("wanted");
    }
    return Optional.of(
        Finding.fail(
            TITLE,
            text + (wanted ? "; it was accepted, but no new device CA could be made" : ""),
            "`vouchsafe restore --accept-gap`"
                + (wanted ? " when the root's key store is there" : "")));
  }
}
