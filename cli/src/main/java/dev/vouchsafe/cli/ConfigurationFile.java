package dev.vouchsafe.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.toml.TomlFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Reads {@code vouchsafe.toml}. Whatever it doesn't know stops the start: a mistyped key that were
 * passed over would leave its default in force unseen.
 */
final class ConfigurationFile {
  private static final int MOST_OCTETS = 64 * 1024;

  /** The section whose own sections are profiles. */
  private static final String PROFILES = "profiles";

  private ConfigurationFile() {}

  /** Reads the configuration of that home, if its owner and mode let nobody else write it. */
  static Configuration read(Home home) throws ConfigurationException {
    Path file = home.configuration();
    try {
      FileTrust.require(file);
      return parse(text(file), file, home);
    } catch (NoSuchFileException e) {
      throw new ConfigurationException(
          file + " does not exist; make a home with `vouchsafe init`, or name one with --home");
    } catch (IOException e) {
      throw new ConfigurationException(file + " can't be read: " + Causes.of(e));
    }
  }

  /** Reads a configuration from text; {@code file} is for messages. */
  static Configuration parse(String text, Path file, Home home) throws ConfigurationException {
    List<ProfileSection> profiles = new ArrayList<>();
    Map<ConfigurationKey, String> values = raw(text, file, profiles);
    return new ConfigurationValues(file, values).configuration(home, profiles);
  }

  static String text(Path file) throws IOException, ConfigurationException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] octets = in.readNBytes(MOST_OCTETS + 1);
      if (octets.length > MOST_OCTETS) {
        throw new ConfigurationException(file + " is over " + MOST_OCTETS + " octets");
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(octets)).toString();
    } catch (CharacterCodingException e) {
      throw new ConfigurationException(file + " is not UTF-8");
    }
  }

  private static Map<ConfigurationKey, String> raw(
      String text, Path file, List<ProfileSection> profiles) throws ConfigurationException {
    Map<ConfigurationKey, String> values = new EnumMap<>(ConfigurationKey.class);
    try (JsonParser parser = new TomlFactory().createParser(text)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String section = parser.currentName();
        requireSection(section, parser.nextToken() == JsonToken.START_OBJECT, file);
        if (section.equals(PROFILES)) {
          profiles.addAll(ProfileSection.read(parser, file, text));
        } else {
          section(parser, section, file, values);
        }
      }
      return values;
    } catch (JsonProcessingException e) {
      throw new ConfigurationException(
          file + ", line " + line(e) + ": not TOML: " + e.getOriginalMessage());
    } catch (IOException e) {
      throw new ConfigurationException(file + " can't be read: " + Causes.of(e));
    }
  }

  private static int line(JsonProcessingException e) {
    return e.getLocation() == null ? 1 : e.getLocation().getLineNr();
  }

  private static void requireSection(String section, boolean table, Path file)
      throws ConfigurationException {
    List<String> known = new ArrayList<>(ConfigurationKey.sections());
    known.add(PROFILES);
    if (!known.contains(section)) {
      throw new ConfigurationException(
          file
              + ": unknown "
              + (table ? "section [" + section + "]" : "key " + section + " outside of a section")
              + nearest(section, known));
    }
    if (!table) {
      throw new ConfigurationException(
          file + ": " + section + " must be a section: [" + section + "]");
    }
  }

  private static void section(
      JsonParser parser, String section, Path file, Map<ConfigurationKey, String> values)
      throws IOException, ConfigurationException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      ConfigurationKey key = known(section, name, file);
      JsonToken token = parser.nextToken();
      if (key.kind() == ConfigurationKey.Kind.LIST && token == JsonToken.START_ARRAY) {
        values.put(key, texts(parser, key, file));
        continue;
      }
      boolean fits =
          switch (token) {
            case VALUE_STRING -> key.kind() == ConfigurationKey.Kind.TEXT;
            case VALUE_NUMBER_INT -> key.kind() == ConfigurationKey.Kind.INTEGER;
            case VALUE_TRUE, VALUE_FALSE -> key.kind() == ConfigurationKey.Kind.BOOLEAN;
            default -> false;
          };
      if (!fits) {
        throw new ConfigurationException(
            file + ": " + key.title() + " must be " + key.kind().description());
      }
      values.put(key, parser.getText());
    }
  }

  /** The texts of a list, one a line: none of them has a line end of its own. */
  private static String texts(JsonParser parser, ConfigurationKey key, Path file)
      throws IOException, ConfigurationException {
    List<String> texts = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() != JsonToken.VALUE_STRING || !parser.getText().matches(".+")) {
        throw new ConfigurationException(
            file + ": " + key.title() + " must be " + key.kind().description());
      }
      texts.add(parser.getText());
    }
    return String.join("\n", texts);
  }

  private static ConfigurationKey known(String section, String name, Path file)
      throws ConfigurationException {
    if (ConfigurationKey.isLater(section, name)) {
      throw new ConfigurationException(
          file + ": [" + section + "] " + name + " is not in this version; remove it");
    }
    return ConfigurationKey.find(section, name)
        .orElseThrow(() ->
            new ConfigurationException(
                file
                    + ": unknown key ["
                    + section
                    + "] "
                    + name
                    + nearest(name, ConfigurationKey.keysOf(section))));
  }

  private static String nearest(String typed, List<String> known) {
    return Names.nearest(typed, known)
        .map(word -> "; nearest known: " + word)
        .orElse("; known are: " + String.join(", ", known));
  }
}
