package dev.vouchsafe.keys;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * What a token says of itself (CK_TOKEN_INFO, PKCS#11 v2.40 section 3.2).
 *
 * @param slot where it is now
 * @param sessions how many this process may open, 0 if that isn't limited or not told
 */
record TokenInfo(
    long slot,
    String label,
    String manufacturer,
    String model,
    String serial,
    long flags,
    long sessions) {
  private static final long SIZE = 208;
  private static final int LABEL = 32;
  private static final int MANUFACTURER = 32;
  private static final int MODEL = 16;
  private static final int SERIAL = 16;
  private static final long FLAGS = 96;
  private static final long MOST_SESSIONS = 104;
  private static final long MOST_WRITING_SESSIONS = 120;

  static TokenInfo read(Cryptoki cryptoki, long slot) throws CryptokiException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment info = arena.allocate(SIZE, Long.BYTES);
      cryptoki.call(Cryptoki.Function.GET_TOKEN_INFO, slot, info.address());
      return new TokenInfo(
          slot,
          text(info, 0, LABEL),
          text(info, LABEL, MANUFACTURER),
          text(info, LABEL + MANUFACTURER, MODEL),
          text(info, LABEL + MANUFACTURER + MODEL, SERIAL),
          info.get(JAVA_LONG, FLAGS),
          smaller(info.get(JAVA_LONG, MOST_SESSIONS), info.get(JAVA_LONG, MOST_WRITING_SESSIONS)));
    }
  }

  /** Padded with blanks, by the standard; some pad with zeros. Nothing in it may upset a log. */
  private static String text(MemorySegment info, int from, int length) {
    byte[] octets = info.asSlice(from, length).toArray(JAVA_BYTE);
    return new String(octets, StandardCharsets.UTF_8)
        .replaceAll("\\x00.*", "")
        .replaceAll("\\p{Cntrl}", "?")
        .stripTrailing();
  }

  private static long smaller(long a, long b) {
    long first = limited(a);
    long second = limited(b);
    return first == 0 || second == 0 ? Math.max(first, second) : Math.min(first, second);
  }

  private static long limited(long count) {
    return count == Ck.CK_UNAVAILABLE_INFORMATION || count < 0 ? 0 : count;
  }

  boolean is(long flag) {
    return (flags & flag) != 0;
  }

  /** For people. */
  String named() {
    return "'" + label + "' (serial " + serial + ")";
  }
}
