package dev.vouchsafe.attestation;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.regex.Pattern;

/** IP addresses as a registration may list them, and their canonical text (RFC 5952). */
final class IpText {
  private static final Pattern V4 =
      Pattern.compile("(?:(?:0|[1-9][0-9]{0,2})\\.){3}(?:0|[1-9][0-9]{0,2})");
  private static final Pattern V6 = Pattern.compile("[0-9A-Fa-f:.]{2,45}");

  private IpText() {}

  static String canonical(String text) throws RegistrationException {
    InetAddress address = parse(text);
    if (address.isAnyLocalAddress() || address.isMulticastAddress()) {
      throw wrong(text, "not the address of one host");
    }
    byte[] octets = address.getAddress();
    return address instanceof Inet4Address ? address.getHostAddress() : compressed(octets);
  }

  private static InetAddress parse(String text) throws RegistrationException {
    if (text.contains("/")) {
      throw wrong(text, "one address, without a prefix length");
    }
    if (text.contains("%") || text.contains("[")) {
      throw wrong(text, "write the address alone, without zone or brackets");
    }
    boolean v4 = V4.matcher(text).matches();
    boolean v6 = text.indexOf(':') >= 0 && V6.matcher(text).matches();
    if (!v4 && !v6) {
      throw wrong(text, "neither an IPv4 address (192.168.1.10) nor an IPv6 address (fd00::10)");
    }
    InetAddress address;
    try {
      address = InetAddress.ofLiteral(text);
    } catch (IllegalArgumentException e) {
      throw wrong(text, "neither an IPv4 address (192.168.1.10) nor an IPv6 address (fd00::10)");
    }
    if (v6 && address instanceof Inet4Address) {
      throw wrong(text, "write it as an IPv4 address: " + address.getHostAddress());
    }
    return address;
  }

  /**
   * RFC 5952, section 4: lower case, no leading zeros, the longest run of zeros (two or more) cut.
   */
  private static String compressed(byte[] octets) {
    int[] groups = new int[8];
    for (int i = 0; i < 8; i++) {
      groups[i] = (octets[2 * i] & 0xff) << 8 | (octets[2 * i + 1] & 0xff);
    }
    int best = -1;
    int length = 1;
    for (int i = 0; i < 8; i++) {
      int j = i;
      while (j < 8 && groups[j] == 0) {
        j++;
      }
      if (j - i > length) {
        best = i;
        length = j - i;
      }
    }
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < 8; i++) {
      if (i == best) {
        out.append("::");
        i += length - 1;
      } else {
        boolean first = out.isEmpty() || out.charAt(out.length() - 1) == ':';
        out.append(first ? "" : ":").append(Integer.toHexString(groups[i]));
      }
    }
    return out.toString();
  }

  private static RegistrationException wrong(String text, String why) {
    return new RegistrationException("bad-ip", Quoted.of(text) + ": " + why);
  }
}
