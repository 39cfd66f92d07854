package dev.vouchsafe.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/** Lower-case DNS names: their rules, and how one is made of this machine's host name. */
final class Names {
  private static final int LONGEST_LABEL = 63;
  private static final int LONGEST_NAME = 253;
  private static final Pattern LABEL = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
  private static final Path HOST_NAME = Path.of("/proc/sys/kernel/hostname");

  private Names() {}

  /** One lower-case DNS label (RFC 1123 section 2.1): no dot, no underscore. */
  static boolean isLabel(String text) {
    return LABEL.matcher(text).matches();
  }

  /** Lower-case DNS labels with dots between them. */
  static boolean isName(String text) {
    return text.length() <= LONGEST_NAME
        && List.of(text.split("\\.", -1)).stream().allMatch(Names::isLabel);
  }

  /** This machine's host name, lower case, if it is a DNS name. Asks no name server. */
  static Optional<String> hostName() {
    try {
      String name =
          Files.readString(HOST_NAME, StandardCharsets.UTF_8).strip().toLowerCase(Locale.ROOT);
      return Optional.of(name).filter(Names::isName);
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** A label as near to that host name as the rules allow; {@code gateway} if nothing is left. */
  static String labelOf(String hostName) {
    String first = hostName.split("\\.", 2)[0].toLowerCase(Locale.ROOT);
    String label = first.replaceAll("[^a-z0-9-]+", "-").replaceAll("^-+", "");
    label = label.substring(0, Math.min(LONGEST_LABEL, label.length())).replaceAll("-+$", "");
    return label.isEmpty() ? "gateway" : label;
  }

  /** The device id when none is given: the label of this machine's host name. */
  static String defaultDeviceId() {
    try {
      return labelOf(Files.readString(HOST_NAME, StandardCharsets.UTF_8).strip());
    } catch (IOException e) {
      return "gateway";
    }
  }

  /** The known word that is nearest to what was typed, if one is near enough to be meant. */
  static Optional<String> nearest(String typed, List<String> known) {
    String best = "";
    int least = Integer.MAX_VALUE;
    for (String word : known) {
      int distance = distance(typed, word);
      if (distance < least) {
        least = distance;
        best = word;
      }
    }
    return least <= Math.max(2, typed.length() / 3) ? Optional.of(best) : Optional.empty();
  }

  /** Levenshtein's distance, over two rows. */
  private static int distance(String a, String b) {
    int[] before = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      before[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = before[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(change, 1 + Math.min(before[j], row[j - 1]));
      }
      before = row;
    }
    return before[b.length()];
  }
}
