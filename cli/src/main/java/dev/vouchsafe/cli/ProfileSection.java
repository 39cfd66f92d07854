package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.vouchsafe.ca.Profile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * One section {@code [profiles.NAME]} as it stands in the file: known keys, each with a value of
 * its kind.
 */
final class ProfileSection {
  private static final int MOST_SECTIONS = 64;
  private static final int MOST_ENTRIES = 32;

  private final Path file;
  private final String text;
  private final Profile name;
  private final Map<ProfileKey, List<String>> values = new EnumMap<>(ProfileKey.class);

  private ProfileSection(Path file, String text, Profile name) {
    this.file = file;
    this.text = text;
    this.name = name;
  }

  /**
   * Reads all of them; the parser has just read the beginning of the table {@code profiles}.
   *
   * @param file for messages
   * @param text the whole file, to say in which line a mistake is
   */
  static List<ProfileSection> read(JsonParser parser, Path file, String text)
      throws IOException, ConfigurationException {
    List<ProfileSection> sections = new ArrayList<>();
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String title = parser.currentName();
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw new ConfigurationException(
            file + ": profiles." + title + " must be a section: [profiles.NAME]");
      }
      Profile name =
          Profile.parse(title)
              .orElseThrow(() ->
                  new ConfigurationException(
                      file
                          + ": [profiles."
                          + title
                          + "]: a profile's name is 1 to 32 characters of a-z 0-9 -, the first a"
                          + " letter"));
      ProfileSection section = new ProfileSection(file, text, name);
      section.readKeys(parser);
      sections.add(section);
      if (sections.size() > MOST_SECTIONS) {
        throw new ConfigurationException(
            file + ": [profiles]: more than " + MOST_SECTIONS + " profiles");
      }
    }
    return sections;
  }

  private void readKeys(JsonParser parser) throws IOException, ConfigurationException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String typed = parser.currentName();
      Optional<ProfileKey> known = ProfileKey.find(typed);
      if (known.isEmpty()) {
        throw unknown(typed);
      }
      values.put(known.get(), value(parser, known.get()));
    }
  }

  private List<String> value(JsonParser parser, ProfileKey key)
      throws IOException, ConfigurationException {
    JsonToken token = parser.nextToken();
    boolean fits =
        switch (key.kind()) {
          case TEXT -> token == JsonToken.VALUE_STRING;
          case INTEGER -> token == JsonToken.VALUE_NUMBER_INT;
          case BOOLEAN -> token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE;
          case LIST -> token == JsonToken.START_ARRAY;
        };
    if (!fits) {
      throw wrong(key, "must be " + key.kind().description());
    }
    if (key.kind() != ProfileKey.Kind.LIST) {
      return List.of(parser.getText());
    }
    List<String> entries = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() != JsonToken.VALUE_STRING || entries.size() == MOST_ENTRIES) {
        throw wrong(key, "must be " + key.kind().description() + ", of at most " + MOST_ENTRIES);
      }
      entries.add(parser.getText());
    }
    return Collections.unmodifiableList(entries);
  }

  private ConfigurationException unknown(String typed) {
    String hint =
        typed.equals("ca") || typed.equals("basicConstraints")
            ? "; a leaf is never a CA, and kind = \"authority\" is for CAs of gateways below this"
            : Names.nearest(typed, ProfileKey.texts())
                .map(word -> "; nearest known: " + word)
                .orElse("; known are: " + String.join(", ", ProfileKey.texts()));
    return new ConfigurationException(
        place(typed) + "unknown key [profiles." + name.text() + "] " + typed + hint);
  }

  Profile name() {
    return name;
  }

  /** The keys that stand there. */
  Iterable<ProfileKey> keys() {
    return values.keySet();
  }

  /** The entries of a list, if it is there. */
  Optional<List<String>> list(ProfileKey key) {
    return Optional.ofNullable(values.get(key));
  }

  /** A value that is no list, if it is there. */
  Optional<String> text(ProfileKey key) {
    return list(key).map(List::getFirst);
  }

  /** What is wrong with a key, to be thrown. */
  ConfigurationException wrong(ProfileKey key, String what) {
    return wrong(key.text(), what);
  }

  /** The same for a key of that text. */
  ConfigurationException wrong(String key, String what) {
    return new ConfigurationException(
        place(key) + "[profiles." + name.text() + "] " + key + " " + what);
  }

  /** File and line; the parser knows no lines, so that the key, or its section, is looked for. */
  private String place(String key) {
    List<String> lines = text.lines().toList();
    Pattern header =
        Pattern.compile(
            "\\s*\\[\\s*profiles\\s*\\.\\s*[\"']?" + Pattern.quote(name.text()) + "[\"']?\\s*].*");
    Pattern entry = Pattern.compile("\\s*[\"']?" + Pattern.quote(key) + "[\"']?\\s*=.*");
    int found = 0;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (header.matcher(line).matches()) {
        found = i + 1;
      } else if (found > 0 && entry.matcher(line).matches()) {
        return file + ", line " + (i + 1) + ": ";
      } else if (found > 0 && line.stripLeading().startsWith("[")) {
        break;
      }
    }
    return found > 0 ? file + ", line " + found + ": " : file + ": ";
  }
}
