package dev.vouchsafe.audit;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Lays an entry out as one line: JSON in printable ASCII, so that no text in it can begin a line of
 * its own, or reach a terminal.
 */
final class LineFormat {
  /** No line is longer, its line feed included: what is longer is none of ours. */
  static final int LONGEST = 64 * 1024;

  /** Stands at the end of a text of a length that somebody tried to make grow. */
  private static final String CUT = "...";

  private static final int NAME = 256;
  private static final int DETAIL = 512;
  private static final int PATH = 512;
  private static final int SELECTOR = 256;
  private static final int MOST_SELECTORS = 32;
  private static final int MOST_NAMES = 20;
  private static final int MOST_GROUPS = 64;

  private static final JsonFactory JSON =
      new JsonFactoryBuilder()
          .characterEscapes(new Escapes())
          .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
          .build();
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  /** DEL is a control character as well, which Jackson's ASCII leaves as it is. */
  private static final class Escapes extends CharacterEscapes {
    private static final long serialVersionUID = 1L;

    @Override
    public int[] getEscapeCodesForAscii() {
      int[] codes = standardAsciiEscapesForJSON();
      codes[0x7f] = ESCAPE_STANDARD;
      return codes;
    }

    @Override
    public @Nullable SerializableString getEscapeSequence(int character) {
      return null;
    }
  }

  private LineFormat() {}

  /** RFC 3339, in UTC, with milliseconds. */
  static String time(Instant time) {
    return TIME.format(time);
  }

  /** The octets of a line, with its line feed, that is the first of its group. */
  static byte[] line(long sequence, Instant time, String before, AuditEvent event) {
    return line(sequence, time, before, sequence, event);
  }

  /**
   * The octets of a line, with its line feed.
   *
   * @param with number of the first line of its group
   */
  static byte[] line(long sequence, Instant time, String before, long with, AuditEvent event) {
    ByteArrayOutputStream octets = new ByteArrayOutputStream(512);
    try (JsonGenerator json = JSON.createGenerator(octets)) {
      json.writeStartObject();
      json.writeNumberField("seq", sequence);
      json.writeStringField("time", time(time));
      json.writeStringField("prev", before);
      if (with != sequence) {
        json.writeNumberField("with", with);
      }
      event(json, event);
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("nothing is written but memory", e);
    }
    octets.write('\n');
    return octets.toByteArray();
  }

  private static void event(JsonGenerator json, AuditEvent event) throws IOException {
    switch (event) {
      case AuditEvent.Decision decision -> decision(json, decision);
      case AuditEvent.Act act -> {
        type(json, "act");
        json.writeNumberField("uid", act.uid());
        text(json, "action", act.action(), NAME);
        text(json, "object", act.object(), NAME);
        text(json, "result", act.result(), DETAIL);
      }
      case AuditEvent.Registrations registrations -> registrations(json, registrations);
      case AuditEvent.Count count -> {
        type(json, "count");
        text(json, "module", count.module(), NAME);
        text(json, "operation", count.operation(), NAME);
        json.writeStringField("since", time(count.since()));
        json.writeNumberField("count", count.count());
      }
      case AuditEvent.Refusals refusals -> refusals(json, refusals);
      case AuditEvent.ClockJumped jump -> {
        type(json, "clock");
        json.writeStringField("from", time(jump.from()));
        json.writeStringField("to", time(jump.to()));
      }
      default -> own(json, event);
    }
  }

  /** What the log says about itself. */
  private static void own(JsonGenerator json, AuditEvent event) throws IOException {
    switch (event) {
      case AuditEvent.Started started -> {
        type(json, "start");
        text(json, "version", started.version(), NAME);
        json.writeNumberField("unsigned", started.unsigned());
        json.writeNumberField("tornOctets", started.tornOctets());
        json.writeNumberField("tornEntries", started.tornEntries());
        text(json, "note", started.note(), DETAIL);
      }
      case AuditEvent.Lost lost -> {
        type(json, "lost");
        json.writeNumberField("count", lost.count());
      }
      case AuditEvent.Trimmed trimmed -> {
        type(json, "trim");
        json.writeNumberField("through", trimmed.through());
        json.writeNumberField("files", trimmed.files());
        json.writeNumberField("octets", trimmed.octets());
        text(json, "reason", trimmed.reason(), NAME);
      }
      case AuditEvent.Checkpoint checkpoint -> {
        type(json, "checkpoint");
        json.writeStringField("jws", checkpoint.jws());
      }
      case AuditEvent.Unknown unknown -> type(json, unknown.type());
      default -> type(json, "stop");
    }
  }

  private static void decision(JsonGenerator json, AuditEvent.Decision decision)
      throws IOException {
    type(json, "decision");
    json.writeStringField("outcome", decision.outcome().text());
    text(json, "reason", decision.reason(), NAME);
    text(json, "detail", decision.detail(), DETAIL);
    text(json, "module", decision.asked().module(), NAME);
    if (!decision.asked().generation().isEmpty()) {
      text(json, "generation", decision.asked().generation(), NAME);
    }
    text(json, "operation", decision.asked().operation(), NAME);
    text(json, "channel", decision.asked().channel(), NAME);
    AuditEvent.Who process = decision.process();
    json.writeNumberField("pid", process.pid());
    json.writeNumberField("uid", process.uid());
    json.writeNumberField("gid", process.gid());
    if (!process.groups().isEmpty()) {
      json.writeArrayFieldStart("groups");
      for (long group :
          process.groups().subList(0, Math.min(process.groups().size(), MOST_GROUPS))) {
        json.writeNumber(group);
      }
      json.writeEndArray();
    }
    optional(json, "executable", process.executable());
    optional(json, "cgroup", process.cgroup());
    selectors(json, decision.selectors());
    texts(json, "certificates", decision.certificates());
    texts(json, "tokens", decision.tokens());
    if (decision.expires().isPresent()) {
      json.writeStringField("expires", time(decision.expires().get()));
    }
  }

  private static void selectors(JsonGenerator json, List<AuditEvent.Selector> selectors)
      throws IOException {
    json.writeArrayFieldStart("selectors");
    for (AuditEvent.Selector selector :
        selectors.subList(0, Math.min(selectors.size(), MOST_SELECTORS))) {
      json.writeStartObject();
      text(json, "wanted", selector.wanted(), SELECTOR);
      text(json, "measured", selector.measured(), SELECTOR);
      text(json, "match", selector.match(), NAME);
      if (!selector.part().equals(AuditEvent.Selector.REQUIRED)) {
        text(json, "part", selector.part(), NAME);
      }
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  private static void registrations(JsonGenerator json, AuditEvent.Registrations registrations)
      throws IOException {
    type(json, "registrations");
    json.writeNumberField("count", registrations.count());
    texts(json, "added", registrations.added());
    texts(json, "removed", registrations.removed());
    texts(json, "changed", registrations.changed());
    texts(json, "problems", registrations.problems());
  }

  private static void refusals(JsonGenerator json, AuditEvent.Refusals refusals)
      throws IOException {
    type(json, "refusals");
    json.writeStringField("since", time(refusals.since()));
    json.writeArrayFieldStart("alike");
    for (AuditEvent.Alike alike : refusals.alike()) {
      json.writeStartObject();
      json.writeNumberField("uid", alike.uid());
      text(json, "outcome", alike.outcome(), NAME);
      text(json, "reason", alike.reason(), NAME);
      json.writeNumberField("count", alike.count());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeNumberField("others", refusals.others());
  }

  private static void type(JsonGenerator json, String type) throws IOException {
    json.writeStringField("type", type);
  }

  private static void text(JsonGenerator json, String name, String text, int octets)
      throws IOException {
    json.writeStringField(name, bounded(text, octets));
  }

  private static void optional(JsonGenerator json, String name, Optional<String> text)
      throws IOException {
    if (text.isPresent()) {
      text(json, name, text.get(), PATH);
    }
  }

  /** As many as a line holds; the last one says how many more there are. */
  private static void texts(JsonGenerator json, String name, List<String> texts)
      throws IOException {
    json.writeArrayFieldStart(name);
    for (String text : texts.subList(0, Math.min(texts.size(), MOST_NAMES))) {
      json.writeString(bounded(text, NAME));
    }
    if (texts.size() > MOST_NAMES) {
      json.writeString("and " + (texts.size() - MOST_NAMES) + " more");
    }
    json.writeEndArray();
  }

  /**
   * A text that takes no more than so many octets in the log, where everything but printable ASCII
   * is escaped; {@code ...} stands at the end of one that was cut.
   */
  private static String bounded(String text, int octets) {
    int length = 0;
    for (int i = 0; i < text.length(); i++) {
      length += written(text.charAt(i));
      if (length > octets) {
        return fitting(text, octets - CUT.length()) + CUT;
      }
    }
    return text;
  }

  private static String fitting(String text, int octets) {
    int length = 0;
    for (int i = 0; i < text.length(); i++) {
      length += written(text.charAt(i));
      if (length > octets) {
        return text.substring(0, i);
      }
    }
    return text;
  }

  private static int written(char c) {
    if (c == '"' || c == '\\') {
      return 2;
    }
    return c >= 0x20 && c < 0x7f ? 1 : 6;
  }
}
