package dev.vouchsafe.keys;

import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;

/** Takes a PKCS#11 URI apart (RFC 7512 section 2.3), strictly. */
final class Pkcs11UriParser {
  private static final int LONGEST = 4096;
  private static final String SCHEME = "pkcs11:";
  private static final String DEFAULT_OBJECT = "vouchsafe";
  private static final int LONGEST_OBJECT = 64;
  private static final int LONGEST_ID = 32;

  /** Widths of the fields in CK_TOKEN_INFO, in octets. */
  private static final int LABEL = 32;

  private static final int SERIAL = 16;

  private static final Set<String> TAKEN_IN_PATH =
      Set.of("token", "serial", "manufacturer", "model", "slot-id", "object", "id", "type");
  private static final Set<String> TAKEN_IN_QUERY =
      Set.of("module-path", "pin-source", "pin-value", "module-name");

  /** Whatever isn't one of pk11-pchar, of an escape, or of a separator. */
  private static final Pattern NOT_IN_PATH = Pattern.compile("[^A-Za-z0-9._~:\\[\\]@!$'()*+,=&%-]");

  private static final Pattern NOT_IN_QUERY =
      Pattern.compile("[^A-Za-z0-9._~:\\[\\]@!$'()*+,=/?|%-]");
  private static final Pattern BAD_ESCAPE = Pattern.compile("%(?![0-9A-Fa-f]{2})");
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");
  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,18}");

  private final Map<String, String> path = new HashMap<>();
  private final Map<String, String> query = new HashMap<>();

  private Pkcs11UriParser() {}

  static Pkcs11Uri parse(String text) {
    if (text.length() > LONGEST) {
      throw new IllegalArgumentException("a PKCS#11 URI has at most " + LONGEST + " characters");
    }
    if (!text.startsWith(SCHEME)) {
      throw new IllegalArgumentException("a PKCS#11 URI begins with pkcs11:");
    }
    Pkcs11UriParser parser = new Pkcs11UriParser();
    String rest = text.substring(SCHEME.length());
    int mark = rest.indexOf('?');
    String before = mark < 0 ? rest : rest.substring(0, mark);
    read(before, ";", TAKEN_IN_PATH, NOT_IN_PATH, parser.path);
    if (mark >= 0) {
      read(rest.substring(mark + 1), "&", TAKEN_IN_QUERY, NOT_IN_QUERY, parser.query);
    }
    return parser.uri();
  }

  private static void read(
      String text, String separator, Set<String> taken, Pattern illegal, Map<String, String> into) {
    if (text.isEmpty()) {
      return;
    }
    for (String attribute : text.split(separator, -1)) {
      int equals = attribute.indexOf('=');
      String name = equals < 0 ? attribute : attribute.substring(0, equals);
      if (equals < 0 || !NAME.matcher(name).matches()) {
        throw new IllegalArgumentException(
            "a PKCS#11 URI is made of attributes, name=value, with ; between them and & after the ?");
      }
      if (!taken.contains(name)) {
        throw new IllegalArgumentException("attribute " + name + " is not taken here");
      }
      String value = attribute.substring(equals + 1);
      if (value.isEmpty() || illegal.matcher(value).find() || BAD_ESCAPE.matcher(value).find()) {
        throw new IllegalArgumentException(
            name + " is empty, or has a character that must be percent-encoded");
      }
      if (into.putIfAbsent(name, value) != null) {
        throw new IllegalArgumentException(name + " is given twice");
      }
    }
  }

  private Pkcs11Uri uri() {
    if (query.containsKey("pin-value")) {
      throw new IllegalArgumentException(
          "pin-value is refused: a secret doesn't belong in a configuration; give pin-source, a"
              + " file that holds the PIN");
    }
    if (query.containsKey("module-name")) {
      throw new IllegalArgumentException(
          "module-name is refused: give module-path, the library's file");
    }
    if (path.containsKey("type") && !"private".equals(path.get("type"))) {
      throw new IllegalArgumentException("type can be private only");
    }
    return new Pkcs11Uri(
        text("token", LABEL),
        text("serial", SERIAL),
        text("manufacturer", LABEL),
        text("model", SERIAL),
        slot(),
        object(),
        modulePath(),
        pinSource());
  }

  private Optional<String> text(String name, int longest) {
    String value = path.get(name);
    return value == null ? Optional.empty() : Optional.of(decoded(name, value, longest));
  }

  private OptionalLong slot() {
    String value = path.get("slot-id");
    if (value == null) {
      return OptionalLong.empty();
    }
    if (!NUMBER.matcher(value).matches()) {
      throw new IllegalArgumentException("slot-id is a decimal number");
    }
    return OptionalLong.of(Long.parseLong(value));
  }

  private String object() {
    String id = path.get("id");
    if (id == null) {
      return text("object", LONGEST_OBJECT).orElse(DEFAULT_OBJECT);
    }
    if (path.containsKey("object")) {
      throw new IllegalArgumentException("object and id are two ways to say one thing: give one");
    }
    byte[] octets = octets(id);
    if (octets.length > LONGEST_ID) {
      throw new IllegalArgumentException("id has at most " + LONGEST_ID + " octets");
    }
    return HexFormat.of().formatHex(octets);
  }

  private Path modulePath() {
    String value = query.get("module-path");
    if (value == null) {
      throw new IllegalArgumentException("module-path is missing: the PKCS#11 library's file");
    }
    return absolute("module-path", decoded("module-path", value, LONGEST));
  }

  private Path pinSource() {
    String value = query.get("pin-source");
    if (value == null) {
      throw new IllegalArgumentException("pin-source is missing: the file that holds the PIN");
    }
    String source = decoded("pin-source", value, LONGEST);
    if (source.startsWith("|")) {
      throw new IllegalArgumentException(
          "pin-source can't be a command: it is not run; give a file");
    }
    if (!source.startsWith("file:")) {
      return absolute("pin-source", source);
    }
    String file = source.substring("file:".length());
    if (file.startsWith("///")) {
      file = file.substring(2);
    }
    // A URI in a URI may be encoded once more, and not everybody agrees whether it is.
    if (file.indexOf('%') >= 0) {
      throw new IllegalArgumentException("pin-source: a path with % in it is given without file:");
    }
    return absolute("pin-source", file);
  }

  private static Path absolute(String name, String file) {
    try {
      if (file.startsWith("/") && !file.startsWith("//")) {
        return Path.of(file);
      }
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(name + " is no path of this machine");
    }
    throw new IllegalArgumentException(
        name
            + (name.equals("pin-source")
                ? " is an absolute path, or file: and an absolute path"
                : " is an absolute path"));
  }

  /** Text without control characters; how long, in octets. */
  private static String decoded(String name, String value, int longest) {
    byte[] octets = octets(value);
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(octets)).toString();
      if (text.chars().anyMatch(Character::isISOControl)) {
        throw new IllegalArgumentException(name + " has a control character");
      }
      if (octets.length > longest) {
        throw new IllegalArgumentException(name + " has at most " + longest + " octets");
      }
      return text;
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(name + " is not in UTF-8");
    }
  }

  /** The JDK's decoder is one for forms, where + is a blank; else it does what RFC 3986 asks. */
  private static byte[] octets(String value) {
    return URLDecoder.decode(value.replace("+", "%2B"), StandardCharsets.ISO_8859_1)
        .getBytes(StandardCharsets.ISO_8859_1);
  }
}
