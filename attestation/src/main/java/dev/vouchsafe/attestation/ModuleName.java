package dev.vouchsafe.attestation;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/** The rules of module names, and what follows from one: its file and its SPIFFE path. */
final class ModuleName {
  private static final int LONGEST = 128;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9\\-:.+%_#*?!(),=@;$' ]+");
  private static final String SEGMENT = "(?!\\.{1,2}(?:/|$))[A-Za-z0-9._-]+";
  private static final Pattern SPIFFE_PATH = Pattern.compile(SEGMENT + "(?:/" + SEGMENT + ")*");
  private static final Pattern SPIFFE_SEGMENT = Pattern.compile(SEGMENT);

  /**
   * A SPIFFE ID has at most 2,048 octets (SPIFFE-ID, section 2.3); its trust domain may take 255.
   */
  private static final int LONGEST_SPIFFE_PATH = 1024;

  /** A file name has at most 255 octets; what is left is for {@code .toml} and a digest. */
  private static final int LONGEST_PLAIN = 200;

  private ModuleName() {}

  static String checkName(String name) throws RegistrationException {
    return check("bad-name", "a module name", name);
  }

  static String checkGeneration(String generation) throws RegistrationException {
    return check("bad-generation", "a generation", generation);
  }

  private static String check(String code, String what, String text) throws RegistrationException {
    if (text.isEmpty() || text.length() > LONGEST) {
      throw new RegistrationException(
          code, what + " has 1 to " + LONGEST + " characters, not " + text.length());
    }
    if (!NAME.matcher(text).matches()) {
      throw new RegistrationException(
          code,
          Quoted.of(text)
              + ": "
              + what
              + " is made of A-Z a-z 0-9 - : . + % _ # * ? ! ( ) , = @ ; $ ' and space");
    }
    return text;
  }

  /** Checks a path as written with {@code spiffe = ".."}: without scheme and leading slash. */
  static String checkSpiffePath(String path) throws RegistrationException {
    if (path.startsWith("spiffe://") || path.startsWith("/")) {
      throw new RegistrationException(
          "bad-spiffe", Quoted.of(path) + ": write the path alone, without a leading slash");
    }
    if (path.length() > LONGEST_SPIFFE_PATH || !SPIFFE_PATH.matcher(path).matches()) {
      throw new RegistrationException(
          "bad-spiffe",
          Quoted.of(path)
              + ": a SPIFFE path is one or more segments of A-Z a-z 0-9 . _ - with / between"
              + " them, none of them . or .., at most "
              + LONGEST_SPIFFE_PATH
              + " characters");
    }
    return path;
  }

  /** The SPIFFE path that a name gives, if it can: the name without a leading {@code $}. */
  static Optional<String> spiffePath(String name) {
    String bare = name.startsWith("$") ? name.substring(1) : name;
    return Optional.of(bare).filter(b -> SPIFFE_SEGMENT.matcher(b).matches());
  }

  /**
   * The file that {@code add} writes: the name percent-encoded, so that no name is a path, a hidden
   * file or another name's file. A very long one is cut and told apart by its SHA-256.
   */
  static String file(String name) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '-'
              || c == '_'
              || (c == '.' && i > 0);
      if (plain) {
        out.append(c);
      } else {
        out.append(String.format("%%%02X", (int) c));
      }
    }
    if (out.length() > LONGEST_PLAIN) {
      out.setLength(LONGEST_PLAIN);
      // "~" stands in no other name's file, since it is not plain.
      out.append('~').append(digest(name));
    }
    return out.append(".toml").toString();
  }

  private static String digest(String name) {
    try {
      byte[] sum =
          MessageDigest.getInstance("SHA-256").digest(name.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(sum, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
