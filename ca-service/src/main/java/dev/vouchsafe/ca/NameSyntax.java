package dev.vouchsafe.ca;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Optional;

/**
 * What a DNS name or an IP address may look like before anybody asks whether it is granted.
 *
 * <p>Everything is ASCII: a name in another script is asked for by its A-label, so that no two
 * texts that a browser would show alike, and no letter that lower-cases into ASCII, such as U+212A,
 * ever meets a comparison.
 */
final class NameSyntax {
  private static final int LONGEST_NAME = 253;
  private static final int LONGEST_LABEL = 63;
  private static final int LONGEST_ADDRESS = 45;
  private static final int LONGEST_QUOTE = 80;

  private NameSyntax() {}

  /**
   * A DNS name in lower case: labels of letters, digits, hyphens and underscores, 253 octets at
   * most (RFC 1035 section 2.3.4), the first label possibly {@code *} alone. Underscores are taken
   * because container networks resolve them. A name whose last label is a number is an address to
   * some clients and a name to others, so it is neither here.
   */
  static Optional<SanName.Dns> dns(String text) {
    if (text.isEmpty() || text.length() > LONGEST_NAME || !isNameText(text)) {
      return Optional.empty();
    }
    StringBuilder lower = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      lower.append(lower(text.charAt(i)));
    }
    String name = lower.toString();
    String[] labels = name.split("\\.", -1);
    boolean wildcard = labels[0].equals("*") && labels.length > 1;
    for (int i = wildcard ? 1 : 0; i < labels.length; i++) {
      if (!isLabel(labels[i])) {
        return Optional.empty();
      }
    }
    return looksNumeric(labels[labels.length - 1])
        ? Optional.empty()
        : Optional.of(new SanName.Dns(name));
  }

  /** An IPv4 address of four decimal numbers, or an IPv6 address without zone and brackets. */
  static Optional<SanName.Ip> ip(String text) {
    if (text.isEmpty() || text.length() > LONGEST_ADDRESS || !isAddressText(text)) {
      return Optional.empty();
    }
    if (text.indexOf(':') < 0 && !isFourNumbers(text)) {
      return Optional.empty();
    }
    try {
      return Optional.of(new SanName.Ip(InetAddress.ofLiteral(text)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** The IP address of 4 or 16 octets; an IPv4 address mapped into IPv6 is that IPv4 address. */
  static Optional<SanName.Ip> ip(byte[] octets) {
    try {
      return Optional.of(new SanName.Ip(InetAddress.getByAddress(octets)));
    } catch (UnknownHostException e) {
      return Optional.empty();
    }
  }

  /**
   * Whether a lower-case label may stand where a wildcard is granted: letters, digits and inner
   * hyphens only. Labels with hyphens in third and fourth place (RFC 5890 section 2.3.1), A-labels
   * among them, look like something else on a screen: they are granted literally or not at all.
   */
  static boolean isPlainLabel(String label) {
    return isLabel(label) && label.indexOf('_') < 0 && !label.startsWith("--", 2);
  }

  /** The text of an address; for IPv6 that of RFC 5952 section 4. */
  static String canonical(InetAddress address) {
    if (!(address instanceof Inet6Address)) {
      return address.getHostAddress();
    }
    byte[] octets = address.getAddress();
    int[] groups = new int[8];
    for (int i = 0; i < groups.length; i++) {
      groups[i] = (octets[2 * i] & 0xff) << 8 | (octets[2 * i + 1] & 0xff);
    }
    int[] run = longestZeroRun(groups);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < groups.length; i++) {
      if (run[1] > 1 && i == run[0]) {
        text.append("::");
        i += run[1] - 1;
      } else {
        if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
          text.append(':');
        }
        text.append(Integer.toHexString(groups[i]));
      }
    }
    return text.toString();
  }

  /** A text that a caller chose, made safe to show: printable ASCII, shortened, in quotes. */
  static String quoted(String text) {
    StringBuilder safe = new StringBuilder("\"");
    for (int i = 0; i < Math.min(text.length(), LONGEST_QUOTE); i++) {
      char c = text.charAt(i);
      safe.append(c < ' ' || c > '~' || c == '"' || c == '\\' ? '?' : c);
    }
    return safe.append(text.length() > LONGEST_QUOTE ? "..\"" : "\"").toString();
  }

  private static int[] longestZeroRun(int[] groups) {
    int[] longest = {0, 0};
    int start = 0;
    for (int i = 0; i < groups.length; i++) {
      if (groups[i] != 0) {
        start = i + 1;
      } else if (i + 1 - start > longest[1]) {
        longest = new int[] {start, i + 1 - start};
      }
    }
    return longest;
  }

  private static boolean isNameText(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = lower(text.charAt(i));
      if (!isLetterOrDigit(c) && c != '-' && c != '_' && c != '.' && c != '*') {
        return false;
      }
    }
    return true;
  }

  private static boolean isLabel(String label) {
    if (label.isEmpty() || label.length() > LONGEST_LABEL || label.indexOf('*') >= 0) {
      return false;
    }
    return label.charAt(0) != '-' && label.charAt(label.length() - 1) != '-';
  }

  /** Whether the WHATWG URL standard's "ends in a number" would take that last label as one. */
  private static boolean looksNumeric(String label) {
    boolean hexadecimal = label.startsWith("0x");
    for (int i = hexadecimal ? 2 : 0; i < label.length(); i++) {
      char c = label.charAt(i);
      boolean digit = within(c, '0', '9') || (hexadecimal && within(c, 'a', 'f'));
      if (!digit) {
        return false;
      }
    }
    return true;
  }

  private static boolean isAddressText(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = lower(text.charAt(i));
      boolean digit = within(c, '0', '9') || within(c, 'a', 'f');
      if (!digit && c != '.' && c != ':') {
        return false;
      }
    }
    return true;
  }

  /** Other forms (10.1, 012.0.0.1) mean different addresses to different programs. */
  private static boolean isFourNumbers(String text) {
    String[] parts = text.split("\\.", -1);
    for (String part : parts) {
      if (part.isEmpty() || part.length() > 3 || (part.length() > 1 && part.startsWith("0"))) {
        return false;
      }
    }
    return parts.length == 4;
  }

  private static boolean isLetterOrDigit(char c) {
    return within(c, 'a', 'z') || within(c, '0', '9');
  }

  private static boolean within(char c, char first, char last) {
    return c >= first && c <= last;
  }

  private static char lower(char c) {
    return within(c, 'A', 'Z') ? (char) (c + ('a' - 'A')) : c;
  }
}
