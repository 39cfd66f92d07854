package dev.vouchsafe.cli;

import dev.vouchsafe.api.ApiSettings;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The names under which this machine's https listener can be reached and verified. */
final class HttpsNames {
  private static final int MOST_ADDRESSES = 32;

  private HttpsNames() {}

  /** The listener with the host name, {@code localhost} and the addresses of the interfaces. */
  static ApiSettings.Https listener(Configuration.HostPort at) throws SocketException {
    Set<String> dns = new LinkedHashSet<>();
    Names.hostName().ifPresent(dns::add);
    dns.add("localhost");
    return new ApiSettings.Https(at.host(), at.port(), List.copyOf(dns), addresses());
  }

  /**
   * Addresses of interfaces that are up, loopback first. Link-local ones are left out: they mean
   * something else on every link.
   */
  private static List<String> addresses() throws SocketException {
    Set<String> loopback = new LinkedHashSet<>();
    Set<String> others = new LinkedHashSet<>();
    for (NetworkInterface network : NetworkInterface.networkInterfaces().toList()) {
      if (!network.isUp()) {
        continue;
      }
      for (InetAddress address : network.inetAddresses().toList()) {
        if (!address.isLinkLocalAddress() && !address.isAnyLocalAddress()) {
          (address.isLoopbackAddress() ? loopback : others).add(text(address));
        }
      }
    }
    List<String> all = new ArrayList<>(loopback);
    all.addAll(others);
    return List.copyOf(all.subList(0, Math.min(MOST_ADDRESSES, all.size())));
  }

  private static String text(InetAddress address) {
    String text = address.getHostAddress();
    int scope = text.indexOf('%');
    return scope < 0 ? text : text.substring(0, scope);
  }
}
