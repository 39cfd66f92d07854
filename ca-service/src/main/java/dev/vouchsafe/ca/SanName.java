package dev.vouchsafe.ca;

import java.net.InetAddress;

/** One name of a certificate, in the one form that is compared, stored and encoded. */
sealed interface SanName {
  /** As it stands in the ledger, such as {@code dns:gateway.local}. */
  String text();

  /**
   * A DNS name.
   *
   * @param name lower case, without a trailing dot; may begin with {@code *.}
   */
  record Dns(String name) implements SanName {
    @Override
    public String text() {
      return "dns:" + name;
    }

    boolean isWildcard() {
      return name.startsWith("*.");
    }
  }

  /** An IP address. */
  record Ip(InetAddress address) implements SanName {
    @Override
    public String text() {
      return "ip:" + canonical();
    }

    /** The address as RFC 5952 wants it written. */
    String canonical() {
      return NameSyntax.canonical(address);
    }
  }

  /** A SPIFFE ID, which is never normalised. */
  record Uri(String uri) implements SanName {
    @Override
    public String text() {
      return "uri:" + uri;
    }
  }
}
