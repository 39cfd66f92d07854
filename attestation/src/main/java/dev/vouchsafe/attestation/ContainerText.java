package dev.vouchsafe.attestation;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/** Reads the values of {@code container:} selectors. */
final class ContainerText {
  private static final int LONGEST = 512;
  private static final Pattern ID = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern DIGEST = Pattern.compile("sha256:[0-9a-f]{64}");

  /** What Docker and Podman take, and stars. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9*][A-Za-z0-9_.*-]*");

  /** A reference (distribution/reference), or as much of one, and stars. */
  private static final Pattern IMAGE = Pattern.compile("[A-Za-z0-9_.:/@*+-]+");

  private ContainerText() {}

  static Selector engine(String text, String value) throws RegistrationException {
    for (Selector.Engine engine : Selector.Engine.values()) {
      if (engine.text().equals(value)) {
        return new Selector.ContainerEngine(engine);
      }
    }
    List<String> known =
        Arrays.stream(Selector.Engine.values()).map(Selector.Engine::text).toList();
    throw SelectorText.wrong(text, "no engine of that name" + Nearest.hint(value, known));
  }

  static Selector id(String text, String value) throws RegistrationException {
    if (!ID.matcher(value).matches()) {
      throw SelectorText.wrong(
          text, "a container's id is 64 lower-case hexadecimal digits: see it with --no-trunc");
    }
    return new Selector.ContainerId(value);
  }

  static Selector name(String text, String value) throws RegistrationException {
    if (!NAME.matcher(value).matches() || value.length() > LONGEST) {
      throw SelectorText.wrong(
          text, "a container's name has characters of A-Za-z0-9_.- and no slash before it");
    }
    return new Selector.ContainerName(notAll(text, value));
  }

  static Selector image(String text, String value) throws RegistrationException {
    if (!IMAGE.matcher(value).matches() || value.length() > LONGEST) {
      throw SelectorText.wrong(
          text, "an image is written as when the container was made: registry/name:tag");
    }
    return new Selector.ContainerImage(notAll(text, value));
  }

  private static String notAll(String text, String value) throws RegistrationException {
    if (value.chars().allMatch(c -> c == '*')) {
      throw SelectorText.wrong(text, "that is every container: write a part of it at least");
    }
    return value;
  }

  static Selector digest(String text, String value) throws RegistrationException {
    if (!DIGEST.matcher(value).matches()) {
      throw SelectorText.wrong(
          text, "an image's digest is sha256: and 64 lower-case hexadecimal digits");
    }
    return new Selector.ContainerImageDigest(value);
  }

  static Selector label(String text, String value) throws RegistrationException {
    int equals = value.indexOf('=');
    if (equals <= 0) {
      throw SelectorText.wrong(text, "write container:label:KEY=VALUE");
    }
    String key = value.substring(0, equals);
    if (Glob.any(key)) {
      throw SelectorText.wrong(text, "a * may stand in the value of a label, not in its key");
    }
    if (value.length() > LONGEST || value.codePoints().anyMatch(ContainerText::unprintable)) {
      throw SelectorText.wrong(
          text, "a label here has at most " + LONGEST + " characters, no control characters");
    }
    return new Selector.ContainerLabel(key, value.substring(equals + 1));
  }

  private static boolean unprintable(int c) {
    return Character.isISOControl(c) || (c >= 0xd800 && c <= 0xdfff);
  }
}
