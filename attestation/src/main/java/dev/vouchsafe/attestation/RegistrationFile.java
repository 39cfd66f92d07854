package dev.vouchsafe.attestation;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.toml.TomlFactory;
import com.fasterxml.jackson.dataformat.toml.TomlReadFeature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What one registration file says, or why it isn't taken.
 *
 * @param file its path, for messages
 * @param registrations all of them, or none if there is a problem
 * @param problems at most {@value #MOST_PROBLEMS}
 */
record RegistrationFile(
    Path file, List<Registration> registrations, List<RegistrationProblem> problems) {
  static final int LARGEST = 1024 * 1024;
  static final int MOST_MODULES = 10_000;
  private static final int MOST_PROBLEMS = 10;

  /** Dates become dates, so that one is not taken for a text; everything else is bounded. */
  private static final TomlFactory TOML =
      TomlFactory.builder()
          .enable(TomlReadFeature.PARSE_JAVA_TIME)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(16)
                  .maxNumberLength(32)
                  .maxStringLength(16 * 1024)
                  .build())
          .build();

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  RegistrationFile {
    registrations = List.copyOf(registrations);
    problems = List.copyOf(problems);
  }

  /** Reads a file's content. */
  static RegistrationFile parse(Path file, byte[] content, RegistrationRules rules) {
    try {
      return modules(file, tables(content), rules);
    } catch (RegistrationException e) {
      return bad(file, e.code(), e.getMessage());
    }
  }

  static RegistrationFile bad(Path file, String code, String message) {
    return new RegistrationFile(
        file, List.of(), List.of(new RegistrationProblem(file, code, message)));
  }

  private static JsonNode tables(byte[] content) throws RegistrationException {
    if (content.length > LARGEST) {
      throw new RegistrationException(
          "too-large", "a registration file has at most " + LARGEST + " octets");
    }
    JsonNode root = toml(content);
    for (Map.Entry<String, JsonNode> entry : root.properties()) {
      if (!entry.getKey().equals("module")) {
        throw new RegistrationException(
            "unknown-key",
            Quoted.of(entry.getKey())
                + ": outside a [[module]] table there is no key"
                + Nearest.hint(entry.getKey(), List.of("module")));
      }
    }
    JsonNode modules = root.path("module");
    if (!modules.isMissingNode() && !modules.isArray()) {
      throw new RegistrationException(
          "wrong-type", "module: write each module as [[module]], with two brackets");
    }
    if (modules.size() > MOST_MODULES) {
      throw new RegistrationException(
          "too-many", modules.size() + " modules in one file, at most " + MOST_MODULES);
    }
    return modules;
  }

  private static JsonNode toml(byte[] content) throws RegistrationException {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(content)).toString();
      try (JsonParser parser = TOML.createParser(text)) {
        parser.nextToken();
        return node(parser);
      }
    } catch (CharacterCodingException e) {
      throw new RegistrationException("syntax", "not UTF-8");
    } catch (JsonProcessingException e) {
      // The original message quotes no content; where it stands is what helps.
      throw new RegistrationException(
          "syntax",
          "line "
              + (e.getLocation() == null ? "?" : e.getLocation().getLineNr())
              + ": "
              + Quoted.of(String.valueOf(e.getOriginalMessage())));
    } catch (IOException e) {
      throw new RegistrationException("syntax", "not TOML");
    }
  }

  /**
   * What the parser stands at. An object mapper would do the same, and would double the time that
   * the first file takes.
   */
  private static JsonNode node(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(parser);
      case START_ARRAY -> array(parser);
      case VALUE_STRING -> NODES.textNode(parser.getText());
      case VALUE_TRUE, VALUE_FALSE -> NODES.booleanNode(parser.getBooleanValue());
      // Numbers and dates: no key takes one.
      default -> NODES.nullNode();
    };
  }

  private static JsonNode object(JsonParser parser) throws IOException {
    ObjectNode object = NODES.objectNode();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      parser.nextToken();
      object.set(name, node(parser));
    }
    return object;
  }

  private static JsonNode array(JsonParser parser) throws IOException {
    ArrayNode array = NODES.arrayNode();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      array.add(node(parser));
    }
    return array;
  }

  private static RegistrationFile modules(Path file, JsonNode tables, RegistrationRules rules) {
    List<Registration> registrations = new ArrayList<>();
    List<RegistrationProblem> problems = new ArrayList<>();
    Map<String, Integer> names = new HashMap<>();
    Map<String, Integer> paths = new HashMap<>();
    int number = 0;
    for (JsonNode table : tables) {
      number++;
      try {
        Registration registration = new ModuleTable(table, rules).read();
        once(names, registration.name(), number, "duplicate-name", "name");
        if (registration.spiffePath().isPresent()) {
          once(paths, registration.spiffePath().get(), number, "duplicate-spiffe", "SPIFFE path");
        }
        registrations.add(registration);
      } catch (RegistrationException e) {
        problems.add(
            new RegistrationProblem(file, e.code(), where(number, table) + ": " + e.getMessage()));
        if (problems.size() == MOST_PROBLEMS) {
          break;
        }
      }
    }
    return new RegistrationFile(file, problems.isEmpty() ? registrations : List.of(), problems);
  }

  private static void once(
      Map<String, Integer> seen, String value, int number, String code, String what)
      throws RegistrationException {
    Integer before = seen.putIfAbsent(value, number);
    if (before != null) {
      throw new RegistrationException(
          code, what + " " + Quoted.of(value) + " is that of [[module]] number " + before + " too");
    }
  }

  private static String where(int number, JsonNode table) {
    JsonNode name = table.path("name");
    return "[[module]] number "
        + number
        + (name.isTextual() ? " (" + Quoted.of(name.textValue()) + ")" : "");
  }
}
