package dev.vouchsafe.audit;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Reads lines of a log, which may be anybody's octets. */
final class LineParser {
  private static final int HEX_SHA256 = 64;

  /** The years that RFC 3339 knows: others can't be written again, or be calculated with. */
  private static final Instant EARLIEST = Instant.parse("0000-01-01T00:00:00Z");

  private static final Instant LATEST = Instant.parse("9999-12-31T23:59:59.999Z");

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxStringLength(LineFormat.LONGEST)
                          .maxNestingDepth(8)
                          .maxNumberLength(20)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private LineParser() {}

  /**
   * @param line with its line feed
   * @throws BadLineException if it is no line of a log
   */
  static AuditEntry parse(byte[] line) throws BadLineException {
    int length = line.length - 1;
    if (length < 1 || line[length] != '\n') {
      throw new BadLineException("it has no end");
    }
    for (int i = 0; i < length; i++) {
      if (line[i] < 0x20 || line[i] > 0x7e) {
        throw new BadLineException("octet " + i + " is not printable ASCII");
      }
    }
    String text = new String(line, 0, length, StandardCharsets.US_ASCII);
    JsonNode root = tree(text);
    long sequence = number(root, "seq");
    String before = text(root, "prev");
    if (sequence < 0 || !isSha256(before)) {
      throw new BadLineException("its number or its hash is not one");
    }
    return new AuditEntry(
        sequence, time(root, "time"), before, with(root, sequence), event(root), text);
  }

  /** An entry that says nothing was the first of its group, as all were in older logs. */
  private static long with(JsonNode root, long sequence) throws BadLineException {
    if (!root.has("with")) {
      return sequence;
    }
    long with = number(root, "with");
    if (with < 0 || with >= sequence) {
      throw new BadLineException("it was not written with the one that it names");
    }
    return with;
  }

  /** A JSON object of one line, without duplicate members, and nothing behind it. */
  static JsonNode tree(String text) throws BadLineException {
    try {
      JsonNode root = JSON.readTree(text);
      if (root == null || !root.isObject()) {
        throw new BadLineException("it is not a JSON object");
      }
      return root;
    } catch (IOException e) {
      throw new BadLineException("it is not JSON");
    }
  }

  static boolean isSha256(String text) {
    return text.length() == HEX_SHA256
        && text.chars().allMatch(c -> (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
  }

  private static AuditEvent event(JsonNode root) throws BadLineException {
    String type = text(root, "type");
    return switch (type) {
      case "decision" -> decision(root);
      case "act" ->
          new AuditEvent.Act(
              number(root, "uid"),
              text(root, "action"),
              text(root, "object"),
              text(root, "result"));
      case "registrations" ->
          new AuditEvent.Registrations(
              (int) number(root, "count"),
              texts(root, "added"),
              texts(root, "removed"),
              texts(root, "changed"),
              texts(root, "problems"));
      case "count" ->
          new AuditEvent.Count(
              text(root, "module"),
              text(root, "operation"),
              time(root, "since"),
              number(root, "count"));
      case "refusals" -> refusals(root);
      case "clock" -> new AuditEvent.ClockJumped(time(root, "from"), time(root, "to"));
      default -> own(root, type);
    };
  }

  private static AuditEvent own(JsonNode root, String type) throws BadLineException {
    return switch (type) {
      case "start" ->
          new AuditEvent.Started(
              text(root, "version"),
              number(root, "unsigned"),
              number(root, "tornOctets"),
              root.has("tornEntries") ? number(root, "tornEntries") : 0,
              text(root, "note"));
      case "stop" -> new AuditEvent.Stopped();
      case "lost" -> new AuditEvent.Lost(number(root, "count"));
      case "trim" ->
          new AuditEvent.Trimmed(
              number(root, "through"),
              (int) number(root, "files"),
              number(root, "octets"),
              text(root, "reason"));
      case "checkpoint" -> new AuditEvent.Checkpoint(text(root, "jws"));
      default -> new AuditEvent.Unknown(type);
    };
  }

  private static AuditEvent.Decision decision(JsonNode root) throws BadLineException {
    List<AuditEvent.Selector> selectors = new ArrayList<>();
    for (JsonNode each : array(root, "selectors")) {
      selectors.add(
          new AuditEvent.Selector(
              text(each, "wanted"),
              text(each, "measured"),
              text(each, "match"),
              optional(each, "part").orElse(AuditEvent.Selector.REQUIRED)));
    }
    return new AuditEvent.Decision(
        outcome(text(root, "outcome")),
        text(root, "reason"),
        text(root, "detail"),
        new AuditEvent.Asked(
            text(root, "module"),
            optional(root, "generation").orElse(""),
            text(root, "operation"),
            text(root, "channel")),
        new AuditEvent.Who(
            (int) number(root, "pid"),
            number(root, "uid"),
            number(root, "gid"),
            numbers(root, "groups"),
            optional(root, "executable"),
            optional(root, "cgroup")),
        selectors,
        texts(root, "certificates"),
        texts(root, "tokens"),
        root.has("expires") ? Optional.of(time(root, "expires")) : Optional.empty());
  }

  private static AuditEvent.Outcome outcome(String text) throws BadLineException {
    for (AuditEvent.Outcome outcome : AuditEvent.Outcome.values()) {
      if (outcome.text().equals(text)) {
        return outcome;
      }
    }
    throw new BadLineException("its outcome is not one");
  }

  private static AuditEvent.Refusals refusals(JsonNode root) throws BadLineException {
    List<AuditEvent.Alike> alike = new ArrayList<>();
    for (JsonNode each : array(root, "alike")) {
      alike.add(
          new AuditEvent.Alike(
              number(each, "uid"),
              text(each, "outcome"),
              text(each, "reason"),
              number(each, "count")));
    }
    return new AuditEvent.Refusals(time(root, "since"), alike, number(root, "others"));
  }

  static String text(JsonNode object, String name) throws BadLineException {
    JsonNode value = object.get(name);
    if (value == null || !value.isTextual()) {
      throw new BadLineException("it has no text \"" + name + "\"");
    }
    return value.textValue();
  }

  private static Optional<String> optional(JsonNode object, String name) throws BadLineException {
    return object.has(name) ? Optional.of(text(object, name)) : Optional.empty();
  }

  static long number(JsonNode object, String name) throws BadLineException {
    JsonNode value = object.get(name);
    if (value == null || !value.isIntegralNumber() || !value.canConvertToLong()) {
      throw new BadLineException("it has no whole number \"" + name + "\"");
    }
    return value.longValue();
  }

  private static List<Long> numbers(JsonNode object, String name) throws BadLineException {
    List<Long> numbers = new ArrayList<>();
    if (object.has(name)) {
      for (JsonNode each : array(object, name)) {
        if (!each.isIntegralNumber() || !each.canConvertToLong()) {
          throw new BadLineException("\"" + name + "\" has something in it that is no number");
        }
        numbers.add(each.longValue());
      }
    }
    return numbers;
  }

  static Instant time(JsonNode object, String name) throws BadLineException {
    try {
      Instant time = Instant.parse(text(object, name));
      if (!time.isBefore(EARLIEST) && !time.isAfter(LATEST)) {
        return time;
      }
    } catch (DateTimeException e) {
      // Said below.
    }
    throw new BadLineException("\"" + name + "\" is not a time");
  }

  private static JsonNode array(JsonNode object, String name) throws BadLineException {
    JsonNode value = object.get(name);
    if (value == null || !value.isArray()) {
      throw new BadLineException("it has no list \"" + name + "\"");
    }
    return value;
  }

  private static List<String> texts(JsonNode object, String name) throws BadLineException {
    List<String> texts = new ArrayList<>();
    for (JsonNode each : array(object, name)) {
      if (!each.isTextual()) {
        throw new BadLineException("\"" + name + "\" has something in it that is no text");
      }
      texts.add(each.textValue());
    }
    return texts;
  }
}
