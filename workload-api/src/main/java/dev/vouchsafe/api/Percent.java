package dev.vouchsafe.api;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Percent-encoding (RFC 3986 section 2.1), in which a {@code +} is a plus sign. */
final class Percent {
  private Percent() {}

  /**
   * Decodes one path segment or one query value.
   *
   * @throws Failure if an escape is broken or the octets are no UTF-8
   */
  static String decode(String text) throws Failure {
    if (text.indexOf('%') < 0) {
      return text;
    }
    byte[] in = text.getBytes(StandardCharsets.UTF_8);
    ByteBuffer out = ByteBuffer.allocate(in.length);
    for (int i = 0; i < in.length; i++) {
      if (in[i] != '%') {
        out.put(in[i]);
        continue;
      }
      int high = i + 2 < in.length ? Character.digit(in[i + 1], 16) : -1;
      int low = i + 2 < in.length ? Character.digit(in[i + 2], 16) : -1;
      if (high < 0 || low < 0) {
        throw broken();
      }
      out.put((byte) (high << 4 | low));
      i += 2;
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(out.flip()).toString();
    } catch (CharacterCodingException e) {
      throw broken();
    }
  }

  private static Failure broken() {
    return Failure.of(Problem.REQUEST_INVALID, "a percent-encoded name can't be decoded");
  }
}
