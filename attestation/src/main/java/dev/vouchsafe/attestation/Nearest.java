package dev.vouchsafe.attestation;

import java.util.Collection;
import java.util.Comparator;

/** Finds the word that somebody probably meant. */
final class Nearest {
  private static final int LONGEST = 64;

  private Nearest() {}

  /** The end of an error message: {@code "; did you mean X?"}, or which words there are. */
  static String hint(String word, Collection<String> known) {
    return known.stream()
        .min(Comparator.comparingInt((String k) -> distance(word, k)).thenComparing(k -> k))
        .filter(k -> distance(word, k) <= Math.max(1, k.length() / 3))
        .map(k -> "; did you mean \"" + k + "\"?")
        .orElseGet(() -> "; known: " + String.join(", ", known.stream().sorted().toList()));
  }

  /** How many letters must be put in, left out or replaced to make one word of the other. */
  private static int distance(String a, String b) {
    if (a.length() > LONGEST) {
      return Integer.MAX_VALUE;
    }
    int[] above = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replace = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replace, 1 + Math.min(above[j], row[j - 1]));
      }
      above = row;
    }
    return above[b.length()];
  }
}
