package dev.vouchsafe.ca;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What the subject of a certificate is made of: attributes in the order in which they are encoded,
 * one to a relative distinguished name (RFC 5280 section 4.1.2.6).
 *
 * <p>A text may name what is put in at issue: {@code {module}}, {@code {generation}}, {@code
 * {device-id}}, {@code {trust-domain}}. It is put in once, as a value: what stands in it is not
 * read again, and can't begin another attribute. The common name is always {@code {name}}, which
 * passed the gate of names.
 *
 * @param parts the attributes; exactly one is the common name
 */
public record SubjectTemplate(List<Part> parts) {
  /** The common name and nothing else. */
  public static final SubjectTemplate COMMON_NAME =
      new SubjectTemplate(List.of(new Part(Type.CN, SubjectTemplate.NAME)));

  /** Stands for the common name, which is decided at issue. */
  static final String NAME = "{name}";

  private static final int MOST_PARTS = 8;
  private static final int HASH_OCTETS = 8;
  private static final String KEY = "subject";
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{[^{}]*}");

  /** An attribute of a subject, by its usual name (RFC 4514 section 3). */
  public enum Type {
    C("C", 2),
    ST("ST", 128),
    L("L", 128),
    O("O", 64),
    OU("OU", 64),
    CN("CN", 64),
    SERIAL_NUMBER("serialNumber", 64);

    private final String text;
    private final int longest;

    Type(String text, int longest) {
      this.text = text;
      this.longest = longest;
    }

    /** The name of it in a template. */
    public String text() {
      return text;
    }

    /** The most characters that X.509 lets it have (RFC 5280 appendix A.1). */
    int longest() {
      return longest;
    }

    /** Whether it is a PrintableString, not a UTF8String. */
    boolean isPrintable() {
      return this == C || this == SERIAL_NUMBER;
    }
  }

  /**
   * One attribute.
   *
   * @param type which
   * @param text its value, with what is to be put in still in braces
   */
  public record Part(Type type, String text) {}

  /** What is put in: all of it is the registration's or the gateway's, nothing the caller's. */
  record Values(String module, String generation, GatewayIdentity gateway) {
    private String of(String placeholder) {
      return switch (placeholder) {
        case "{module}" -> module;
        case "{generation}" -> generation;
        case "{device-id}" -> gateway.deviceId();
        case "{trust-domain}" -> gateway.trustDomain();
        default -> throw new IllegalStateException("a template has been checked");
      };
    }
  }

  private static final Set<String> PLACEHOLDERS =
      Set.of("{module}", "{generation}", "{device-id}", "{trust-domain}");

  public SubjectTemplate {
    parts = List.copyOf(parts);
  }

  /**
   * Reads a template.
   *
   * @param texts such as {@code O=Plant 7}, {@code OU={module}}, {@code CN={name}}
   * @throws ProfileException if one isn't of that form, or the common name isn't there once
   */
  public static SubjectTemplate parse(List<String> texts) throws ProfileException {
    List<Part> parts = new ArrayList<>();
    for (String text : texts) {
      parts.add(part(text));
    }
    long names = parts.stream().filter(part -> part.type() == Type.CN).count();
    if (parts.size() > MOST_PARTS || names != 1) {
      throw wrong(
          "is a list of at most " + MOST_PARTS + " attributes, one of which is \"CN={name}\"");
    }
    Set<Type> seen = new HashSet<>();
    for (Part part : parts) {
      if (part.type() != Type.OU && !seen.add(part.type())) {
        throw wrong("has " + part.type().text() + " twice; only OU may stand more than once");
      }
    }
    return new SubjectTemplate(parts);
  }

  private static Part part(String text) throws ProfileException {
    int equals = text.indexOf('=');
    String name = equals < 0 ? text : text.substring(0, equals);
    Type type =
        Arrays.stream(Type.values())
            .filter(it -> it.text().equals(name))
            .findAny()
            .orElseThrow(() ->
                wrong(
                    "has "
                        + NameSyntax.quoted(text)
                        + ", which is not one of "
                        + Arrays.stream(Type.values())
                            .map(it -> it.text() + "=..")
                            .collect(Collectors.joining(", "))));
    String value = text.substring(equals + 1);
    if (equals < 0 || value.isEmpty() || value.codePoints().anyMatch(SubjectTemplate::isUnseen)) {
      throw wrong("has " + NameSyntax.quoted(text) + " without a value that can be printed");
    }
    if (type == Type.CN != value.equals(NAME)) {
      throw wrong("has {name} as \"CN={name}\" only, and nothing else as CN");
    }
    requirePlaceholders(value, type);
    if (type != Type.CN && literal(value).length() > type.longest()) {
      throw wrong("has a " + name + " of over " + type.longest() + " characters");
    }
    if (type == Type.C && !value.matches("[A-Z]{2}")) {
      throw wrong("has a C that is not two capital letters (ISO 3166)");
    }
    if (type.isPrintable() && !literal(value).matches("[A-Za-z0-9 '()+,./:=?-]*")) {
      throw wrong("has a " + name + " with characters that a PrintableString doesn't have");
    }
    return new Part(type, value);
  }

  /** Half of a surrogate pair has no encoding. */
  private static boolean isUnseen(int character) {
    return Character.isISOControl(character) || Character.getType(character) == Character.SURROGATE;
  }

  private static String literal(String value) {
    return PLACEHOLDER.matcher(value).replaceAll("");
  }

  private static void requirePlaceholders(String value, Type type) throws ProfileException {
    if (type == Type.CN) {
      return;
    }
    Matcher found = PLACEHOLDER.matcher(value);
    while (found.find()) {
      // The others may have characters that a PrintableString hasn't.
      boolean known =
          type.isPrintable()
              ? found.group().equals("{device-id}") || found.group().equals("{trust-domain}")
              : PLACEHOLDERS.contains(found.group());
      if (!known) {
        throw wrong(
            "has "
                + NameSyntax.quoted(found.group())
                + " in "
                + type.text()
                + "; known are {device-id}, {trust-domain} and, but in serialNumber, {module} and"
                + " {generation}");
      }
    }
  }

  /** The attributes of one certificate: everything put in, and cut to what X.509 allows. */
  List<Part> filled(Values values, String commonName) {
    List<Part> filled = new ArrayList<>(parts.size());
    for (Part part : parts) {
      int longest = part.type().longest();
      filled.add(
          new Part(
              part.type(),
              part.type() == Type.CN
                  ? cut(commonName, longest)
                  : shortened(filled(part.text(), values), longest)));
    }
    return filled;
  }

  private static String filled(String text, Values values) {
    return text.indexOf('{') < 0
        ? text
        : PLACEHOLDER
            .matcher(text)
            .replaceAll(found -> Matcher.quoteReplacement(values.of(found.group())));
  }

  /** As much of it as fits, with both halves of a surrogate pair or neither. */
  static String cut(String text, int longest) {
    if (text.length() <= longest) {
      return text;
    }
    int end = Character.isHighSurrogate(text.charAt(longest - 1)) ? longest - 1 : longest;
    return text.substring(0, end);
  }

  /**
   * What begins alike stays apart: where something is cut off, a hash of the whole stands for it.
   */
  private static String shortened(String text, int longest) {
    if (text.length() <= longest) {
      return text;
    }
    byte[] hash = Octets.sha256(text.getBytes(StandardCharsets.UTF_8));
    String mark = "-" + Octets.hex(Arrays.copyOf(hash, HASH_OCTETS));
    return cut(text, longest - mark.length()) + mark;
  }

  private static ProfileException wrong(String what) {
    return new ProfileException(KEY, what);
  }
}
