package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** JSON in and out: indented for the reader's sake, one document, one line's end. */
final class Json {
  /** Writes one document. */
  interface Writer {
    void write(JsonGenerator json) throws IOException;
  }

  /** A list {@code {items:[..]}} that is written while it comes. */
  static final class Items implements AutoCloseable {
    private final PrintStream out;
    private final JsonGenerator json;
    private final ObjectMapper mapper = new ObjectMapper();

    private Items(PrintStream out) throws IOException {
      this.out = out;
      json = generator(out);
      json.writeStartObject();
      json.writeArrayFieldStart("items");
    }

    void add(JsonNode item) throws IOException {
      mapper.writeTree(json, item);
    }

    @Override
    public void close() throws IOException {
      json.writeEndArray();
      json.writeEndObject();
      json.close();
      out.println();
    }
  }

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

  private Json() {}

  static Items items(PrintStream out) throws IOException {
    return new Items(out);
  }

  /** A member that is a list of texts. */
  static void strings(JsonGenerator json, String name, List<String> texts) throws IOException {
    json.writeArrayFieldStart(name);
    for (String text : texts) {
      json.writeString(text);
    }
    json.writeEndArray();
  }

  static void print(PrintStream out, Writer writer) throws IOException {
    try (JsonGenerator json = generator(out)) {
      writer.write(json);
    }
    out.println();
  }

  static void print(PrintStream out, JsonNode document) throws IOException {
    print(out, json -> new ObjectMapper().writeTree(json, document));
  }

  /** As JSON, or as one line a field. */
  static void print(PrintStream out, boolean asJson, JsonNode document) throws IOException {
    if (asJson) {
      print(out, document);
      return;
    }
    int width = 0;
    for (Map.Entry<String, JsonNode> field : document.properties()) {
      width = Math.max(width, field.getKey().length());
    }
    for (Map.Entry<String, JsonNode> field : document.properties()) {
      JsonNode value = field.getValue();
      out.println(
          (field.getKey() + " ".repeat(width - field.getKey().length()) + "  " + text(value))
              .replaceAll("\\p{Cntrl}", "?"));
    }
  }

  private static String text(JsonNode value) {
    if (value.isArray()) {
      return words(value);
    }
    if (value.isObject()) {
      List<String> members = new ArrayList<>();
      value
          .properties()
          .forEach(member -> members.add(member.getKey() + "=" + text(member.getValue())));
      return String.join(" ", members);
    }
    return value.asText();
  }

  /** The texts of an array, with spaces between them. */
  static String words(JsonNode array) {
    List<String> words = new ArrayList<>();
    array.forEach(item -> words.add(item.asText()));
    return String.join(" ", words);
  }

  /** Reads one document of the service. */
  static JsonNode read(String text) throws IOException {
    JsonNode document = new ObjectMapper().readTree(text);
    if (document == null || !document.isObject()) {
      throw new IOException("not a JSON object");
    }
    return document;
  }

  private static JsonGenerator generator(PrintStream out) throws IOException {
    return new JsonFactoryBuilder()
        .characterEscapes(new Escapes())
        .disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
        // Names and paths come from strangers too, and a terminal obeys what lies beyond ASCII.
        .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
        .build()
        .createGenerator(out)
        .setPrettyPrinter(new DefaultPrettyPrinter());
  }
}
