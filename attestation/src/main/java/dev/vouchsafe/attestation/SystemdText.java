package dev.vouchsafe.attestation;

import java.util.Locale;
import java.util.regex.Pattern;

/** Reads the values of {@code systemd:} selectors (systemd.unit(5), "Units"). */
final class SystemdText {
  /** {@code UNIT_NAME_MAX}. */
  private static final int LONGEST = 255;

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9:_.\\\\@*-]+");
  private static final Pattern INVOCATION = Pattern.compile("[0-9a-f]{32}");

  private SystemdText() {}

  static Selector unit(String text, String value) throws RegistrationException {
    if (!value.endsWith(".service") && !value.endsWith(".scope")) {
      throw SelectorText.wrong(
          text,
          "write the unit's whole name: NAME.service or NAME.scope, the kinds with processes");
    }
    return new Selector.SystemdUnit(name(text, value));
  }

  static Selector slice(String text, String value) throws RegistrationException {
    if (!value.endsWith(".slice")) {
      throw SelectorText.wrong(text, "write the slice's whole name: NAME.slice");
    }
    return new Selector.SystemdSlice(name(text, value));
  }

  private static String name(String text, String value) throws RegistrationException {
    if (!NAME.matcher(value).matches() || value.length() > LONGEST) {
      throw SelectorText.wrong(
          text,
          "the name of a unit has at most "
              + LONGEST
              + " characters of A-Za-z0-9:_.\\@-; others are written as systemd-escape writes them");
    }
    String bare = value.substring(0, value.lastIndexOf('.'));
    if (bare.isEmpty() || bare.chars().allMatch(c -> c == '*')) {
      throw SelectorText.wrong(text, "that is every unit: write a part of the name at least");
    }
    return value;
  }

  static Selector invocation(String text, String value) throws RegistrationException {
    if (!INVOCATION.matcher(value).matches()) {
      boolean upper = INVOCATION.matcher(value.toLowerCase(Locale.ROOT)).matches();
      throw SelectorText.wrong(
          text,
          upper ? "write the digits in lower case" : "an invocation id is 32 hexadecimal digits");
    }
    return new Selector.SystemdInvocationId(value);
  }
}
