package dev.vouchsafe.keys;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The name of a key or of a derived secret, made of parts that stay apart: {@code ("a","bc")} and
 * {@code ("ab","c")} are two labels in every encoding.
 *
 * @param parts 1 to 8 parts, each 1 to 256 characters of text that UTF-8 can hold
 */
public record KeyLabel(List<String> parts) {
  private static final int MOST_PARTS = 8;
  private static final int LONGEST_PART = 256;

  public KeyLabel {
    parts = List.copyOf(parts);
    if (parts.isEmpty() || parts.size() > MOST_PARTS) {
      throw new IllegalArgumentException("a key label has 1 to " + MOST_PARTS + " parts");
    }
    for (String part : parts) {
      if (part.isEmpty() || part.length() > LONGEST_PART) {
        throw new IllegalArgumentException(
            "a part of a key label has 1 to " + LONGEST_PART + " characters");
      }
      // A lone surrogate would be encoded as '?', and two labels would be one.
      if (!isWellFormed(part)) {
        throw new IllegalArgumentException("a part of a key label is well-formed text");
      }
    }
  }

  private static boolean isWellFormed(String part) {
    for (int i = 0; i < part.length(); i++) {
      char unit = part.charAt(i);
      if (Character.isSurrogate(unit)) {
        boolean pair = i + 1 < part.length() && Character.isSurrogatePair(unit, part.charAt(i + 1));
        if (!pair) {
          return false;
        }
        i++;
      }
    }
    return true;
  }

  /** A label of these parts. */
  public static KeyLabel of(String... parts) {
    return new KeyLabel(List.of(parts));
  }

  /** For each part, its length in octets (4 octets, big-endian) and its UTF-8 octets. */
  public byte[] encoded() {
    List<byte[]> encoded = parts.stream().map(it -> it.getBytes(StandardCharsets.UTF_8)).toList();
    int length = encoded.stream().mapToInt(octets -> Integer.BYTES + octets.length).sum();
    ByteBuffer out = ByteBuffer.allocate(length);
    encoded.forEach(octets -> out.putInt(octets.length).put(octets));
    return out.array();
  }

  /**
   * For people: the parts, each behind its length in characters, such as {@code 9:device-ca,1:1}.
   */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    for (String part : parts) {
      if (!text.isEmpty()) {
        text.append(',');
      }
      text.append(part.length()).append(':').append(part);
    }
    return text.toString();
  }
}
