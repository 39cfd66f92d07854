package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Tells processes of the host from those of containers: same pid namespace and user namespace as
 * ours, and the same container in the cgroup path, which is none unless we run in one ourselves.
 *
 * <p>In a user namespace of its own a process may forge its {@code /proc/PID/exe} and mount what it
 * likes. A process can't come back from one, so one look a connection is enough: who enters one
 * later and forges anything there shows another executable than at the first look.
 */
final class HostProcesses {
  private static final List<String> NAMESPACES = List.of("ns/pid", "ns/user");

  private final Kernel kernel;
  private final List<String> ownNamespaces;
  private final List<String> ownEngines;

  HostProcesses(Kernel kernel, List<String> ownNamespaces, byte[] ownCgroup) {
    this.kernel = kernel;
    this.ownNamespaces = List.copyOf(ownNamespaces);
    this.ownEngines = ProcText.enginePrefixes(ownCgroup);
  }

  /** Looks at ourselves. */
  static HostProcesses ofOurs(Kernel kernel, Scratch s, int pid, byte[] cgroup) {
    List<String> own = NAMESPACES.stream().map(link -> namespace(kernel, s, pid, link)).toList();
    return new HostProcesses(kernel, own, cgroup);
  }

  private static String namespace(Kernel kernel, Scratch s, int pid, String link) {
    int length = kernel.readlink(s, pid, link);
    if (length < 0) {
      throw new IllegalStateException("/proc/self/" + link + ": " + Libc.name(-length));
    }
    return text(s, length);
  }

  /** Why the caller isn't a process of the host; null if it is one. */
  @Nullable Doubt doubt(Scratch s, ProcessCaller caller) {
    for (int i = 0; i < NAMESPACES.size(); i++) {
      String link = NAMESPACES.get(i);
      int length = kernel.readlink(s, caller.pid(), link);
      if (length < 0) {
        return Looks.denied(-length)
            ? Looks.denied("/proc/PID/" + link + " can't be seen")
            : Doubt.refused("caller-gone", "/proc/PID/" + link + ": " + Libc.name(-length));
      }
      if (!text(s, length).equals(ownNamespaces.get(i))) {
        return Doubt.refused(
            "foreign-namespace",
            "it is in another namespace, "
                + text(s, length)
                + "; without a container: selector a registration means processes of the host");
      }
    }
    if (!ProcText.enginePrefixes(caller.first().cgroup().toArray(JAVA_BYTE)).equals(ownEngines)) {
      return Doubt.refused(
          "foreign-container",
          "its cgroup is a container's; without a container: selector a registration means"
              + " processes of the host");
    }
    return null;
  }

  private static String text(Scratch s, int length) {
    return new String(s.bytes(length), StandardCharsets.ISO_8859_1);
  }
}
