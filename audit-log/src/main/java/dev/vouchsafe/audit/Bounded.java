package dev.vouchsafe.audit;

/** Texts of a length that nobody can make grow. */
final class Bounded {
  private static final String CUT = "...";

  private Bounded() {}

  /**
   * A text that takes no more than so many octets in the log, where everything but printable ASCII
   * is escaped; {@code ...} stands at the end of one that was cut.
   */
  static String text(String text, int octets) {
    int length = 0;
    for (int i = 0; i < text.length(); i++) {
      length += written(text.charAt(i));
      if (length > octets) {
        return fitting(text, octets - CUT.length()) + CUT;
      }
    }
    return text;
  }

  private static String fitting(String text, int octets) {
    int length = 0;
    for (int i = 0; i < text.length(); i++) {
      length += written(text.charAt(i));
      if (length > octets) {
        return text.substring(0, i);
      }
    }
    return text;
  }

  private static int written(char c) {
    if (c == '"' || c == '\\') {
      return 2;
    }
    return c >= 0x20 && c < 0x7f ? 1 : 6;
  }
}
