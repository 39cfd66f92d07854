package dev.vouchsafe.api;

import java.util.Arrays;
import java.util.Base64;

/** Base64 in a field of a request (RFC 4648 section 4), read strictly: one text for each value. */
final class Base64Text {
  private static final int QUANTUM = 4;

  private Base64Text() {}

  /**
   * Decodes a field.
   *
   * @param name the field's name, which the error begins with
   * @param longest how many octets it may stand for
   * @throws Failure if it isn't padded base64 of the standard alphabet, without anything between,
   *     or stands for more
   */
  static byte[] decode(String name, String text, int longest) throws Failure {
    byte[] octets;
    try {
      octets = Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw notBase64(name);
    }
    if (text.length() % QUANTUM != 0 || !endsCanonically(text, octets)) {
      throw notBase64(name);
    }
    if (octets.length > longest) {
      throw Failure.of(
          Problem.REQUEST_INVALID,
          "invalid parameter: " + name + " is over " + longest + " octets");
    }
    return octets;
  }

  /** The JDK takes any bits beyond the last octet; here they must be zero (section 3.5). */
  private static boolean endsCanonically(String text, byte[] octets) {
    if (octets.length == 0) {
      return text.isEmpty();
    }
    int start = (octets.length - 1) / 3 * 3;
    byte[] last = Arrays.copyOfRange(octets, start, octets.length);
    return text.endsWith(Base64.getEncoder().encodeToString(last));
  }

  private static Failure notBase64(String name) {
    return Failure.of(
        Problem.REQUEST_INVALID, "invalid parameter: " + name + " is not standard base64");
  }
}
