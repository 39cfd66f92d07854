package dev.vouchsafe.api;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.HexFormat;

/** A peer's network as its share of the limits is counted: one host can have a whole IPv6 /64. */
record Network(String prefix) {
  private static final int SUBNET_OCTETS = 8;

  static Network of(InetAddress address) {
    byte[] octets = address.getAddress();
    byte[] prefix = address instanceof Inet6Address ? Arrays.copyOf(octets, SUBNET_OCTETS) : octets;
    return new Network(HexFormat.of().formatHex(prefix));
  }
}
