package dev.vouchsafe.attestation;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * DNS names as a registration may list them: RFC 1123 section 2.1, lower case, maybe a wildcard.
 */
final class HostName {
  private static final int LONGEST = 253;
  private static final int LONGEST_LABEL = 63;
  private static final Pattern NUMBER = Pattern.compile("[0-9]+|0x[0-9a-f]*");
  private static final Pattern LABEL = Pattern.compile("[a-z0-9-]+");

  private HostName() {}

  static String check(String name) throws RegistrationException {
    String host = name.startsWith("*.") ? name.substring(2) : name;
    if (host.isEmpty() || name.length() > LONGEST) {
      throw wrong(name, "a DNS name has 1 to " + LONGEST + " characters");
    }
    if (!name.equals(name.toLowerCase(Locale.ROOT))) {
      throw wrong(name, "write it in lower case");
    }
    if (host.endsWith(".")) {
      throw wrong(name, "leave the dot at the end out");
    }
    String[] labels = host.split("\\.", -1);
    for (String label : labels) {
      checkLabel(name, label);
    }
    if (NUMBER.matcher(labels[labels.length - 1]).matches()) {
      throw wrong(name, "its last label is a number; an address belongs in \"ip\"");
    }
    return name;
  }

  private static void checkLabel(String name, String label) throws RegistrationException {
    if (label.isEmpty()) {
      throw wrong(name, "it has an empty label");
    }
    if (label.length() > LONGEST_LABEL) {
      throw wrong(name, "a label has at most " + LONGEST_LABEL + " characters");
    }
    if (label.contains("*")) {
      throw wrong(name, "a wildcard is the whole first label: *.example");
    }
    if (label.contains("_")) {
      throw wrong(name, "a host name has no underscore (RFC 1123)");
    }
    if (!label.chars().allMatch(c -> c < 0x80)) {
      throw wrong(name, "write letters beyond ASCII in their xn-- form");
    }
    if (!LABEL.matcher(label).matches() || label.startsWith("-") || label.endsWith("-")) {
      throw wrong(
          name, "a label is made of a-z, 0-9 and hyphens, with no hyphen at its ends (RFC 1123)");
    }
  }

  private static RegistrationException wrong(String name, String why) {
    return new RegistrationException("bad-dns-name", Quoted.of(name) + ": " + why);
  }
}
