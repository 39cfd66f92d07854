package dev.vouchsafe.attestation;

import static java.util.Map.entry;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** Reads selectors as a person writes them. */
final class SelectorText {
  /** The greatest id; the one above means "no change" to the kernel. */
  private static final long LARGEST_ID = 0xffff_fffeL;

  private static final int LONGEST_ACCOUNT = 256;
  private static final int LONGEST_PATH = 4095;
  private static final Pattern NUMBER = Pattern.compile("0|[1-9][0-9]{0,9}");
  private static final Pattern DIGITS = Pattern.compile("[0-9]+");
  private static final Pattern HEX = Pattern.compile("[0-9a-f]{64}");

  /** Reads what follows the second colon. */
  private interface Reader {
    Selector read(String text, String value) throws RegistrationException;
  }

  private static final Map<String, Reader> KINDS =
      Map.ofEntries(
          entry("unix:uid", (text, value) -> new Selector.Uid(id(text, value))),
          entry("unix:gid", (text, value) -> new Selector.Gid(id(text, value))),
          entry("unix:user", (text, value) -> new Selector.User(account(text, value, "unix:uid:"))),
          entry(
              "unix:group", (text, value) -> new Selector.Group(account(text, value, "unix:gid:"))),
          entry(
              "unix:supplementary-group",
              (text, value) -> new Selector.SupplementaryGroup(groupOrId(text, value))),
          entry("unix:path", (text, value) -> new Selector.Path(path(text, value))),
          entry("unix:sha256", (text, value) -> new Selector.Sha256(hash(text, value))),
          entry(
              "process:script-sha256",
              (text, value) -> new Selector.ScriptSha256(hash(text, value))),
          entry("systemd:unit", SystemdText::unit),
          entry("systemd:slice", SystemdText::slice),
          entry("systemd:invocation-id", SystemdText::invocation),
          entry("container:engine", ContainerText::engine),
          entry("container:id", ContainerText::id),
          entry("container:name", ContainerText::name),
          entry("container:image", ContainerText::image),
          entry("container:image-digest", ContainerText::digest),
          entry("container:label", ContainerText::label));

  /** Where a {@code *} stands for any characters; everywhere else it is a mistake. */
  private static final Set<String> GLOBS =
      Set.of(
          "systemd:unit", "systemd:slice", "container:name", "container:image", "container:label");

  private SelectorText() {}

  static Selector parse(String text) throws RegistrationException {
    int first = text.indexOf(':');
    int second = text.indexOf(':', first + 1);
    String kind = first > 0 && second > 0 ? text.substring(0, second) : text;
    Reader reader = second > 0 ? KINDS.get(kind) : null;
    if (reader == null) {
      throw new RegistrationException(
          "unknown-selector",
          Quoted.of(text)
              + ": a selector is written type:key:value"
              + Nearest.hint(kind, List.copyOf(KINDS.keySet())));
    }
    String value = text.substring(second + 1);
    if (Glob.any(value) && !GLOBS.contains(kind)) {
      throw wrong(
          text,
          "a * stands for any characters in "
              + String.join(", ", GLOBS.stream().sorted().toList())
              + " only, and can't be written here");
    }
    return reader.read(text, value);
  }

  private static long id(String text, String value) throws RegistrationException {
    if (!NUMBER.matcher(value).matches() || Long.parseLong(value) > LARGEST_ID) {
      throw wrong(text, "an id is a decimal number from 0 to " + LARGEST_ID);
    }
    return Long.parseLong(value);
  }

  private static String account(String text, String value, String byNumber)
      throws RegistrationException {
    if (DIGITS.matcher(value).matches()) {
      throw wrong(text, "that is a number: write " + byNumber + value);
    }
    if (value.isEmpty()
        || value.length() > LONGEST_ACCOUNT
        || value
            .codePoints()
            .anyMatch(c -> c == ':' || c == '/' || c == ',' || c <= ' ' || c == 0x7f)) {
      throw wrong(text, "not the name of an account");
    }
    return value;
  }

  private static String groupOrId(String text, String value) throws RegistrationException {
    return DIGITS.matcher(value).matches()
        ? Long.toString(id(text, value))
        : account(text, value, "unix:gid:");
  }

  private static String path(String text, String value) throws RegistrationException {
    if (!value.startsWith("/")) {
      throw wrong(text, "a path starts with /");
    }
    if (value.getBytes(StandardCharsets.UTF_8).length > LONGEST_PATH
        || value.codePoints().anyMatch(c -> c < ' ' || c == 0x7f)) {
      throw wrong(text, "a path has at most " + LONGEST_PATH + " octets, no control characters");
    }
    for (String part : value.substring(1).split("/", -1)) {
      if (part.isEmpty() || part.equals(".") || part.equals("..")) {
        throw wrong(text, "write the path of a file without //, . and .. in it");
      }
    }
    return value;
  }

  private static String hash(String text, String value) throws RegistrationException {
    if (!HEX.matcher(value).matches()) {
      boolean upper = HEX.matcher(value.toLowerCase(Locale.ROOT)).matches();
      throw wrong(
          text, upper ? "write the digits in lower case" : "a SHA-256 is 64 hexadecimal digits");
    }
    return value;
  }

  static RegistrationException wrong(String text, String why) {
    return new RegistrationException("bad-selector", Quoted.of(text) + ": " + why);
  }
}
