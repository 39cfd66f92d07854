package dev.vouchsafe.attestation;

/**
 * Text in which {@code *} stands for any characters, also none, and everything else for itself.
 *
 * <p>No regular expressions: what somebody else wrote never decides how long a comparison takes.
 * One takes time in proportion to the product of the lengths at worst, and both are bounded.
 */
final class Glob {
  private static final char STAR = '*';

  private Glob() {}

  /** Whether there is a star in it. */
  static boolean any(String text) {
    return text.indexOf(STAR) >= 0;
  }

  /** Whether a text is one of those that the pattern stands for. */
  static boolean matches(String pattern, String text) {
    int p = 0;
    int t = 0;
    // Where to go on from if what follows the last star doesn't fit: that star takes one more.
    int star = -1;
    int from = 0;
    while (t < text.length()) {
      if (p < pattern.length() && pattern.charAt(p) == STAR) {
        star = p++;
        from = t;
      } else if (p < pattern.length() && pattern.charAt(p) == text.charAt(t)) {
        p++;
        t++;
      } else if (star >= 0) {
        p = star + 1;
        t = ++from;
      } else {
        return false;
      }
    }
    while (p < pattern.length() && pattern.charAt(p) == STAR) {
      p++;
    }
    return p == pattern.length();
  }

  /** Whether there is a text that both patterns stand for. */
  static boolean overlap(String one, String other) {
    // met[j]: what has been read of "one", and the first j characters of "other", have a text.
    boolean[] met = new boolean[other.length() + 1];
    met[0] = true;
    for (int j = 1; j <= other.length() && other.charAt(j - 1) == STAR; j++) {
      met[j] = true;
    }
    for (int i = 1; i <= one.length(); i++) {
      char a = one.charAt(i - 1);
      boolean[] next = new boolean[met.length];
      next[0] = a == STAR && met[0];
      for (int j = 1; j <= other.length(); j++) {
        char b = other.charAt(j - 1);
        // A star takes the other side's character, or nothing.
        boolean star = a == STAR || b == STAR;
        next[j] = star ? met[j] || next[j - 1] : (met[j - 1] && a == b);
      }
      met = next;
    }
    return met[other.length()];
  }
}
