package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Tells processes of the host from others: same pid and user namespace as ours, the same container
 * in the cgroup path, which is none unless we run in one ourselves, and the host's mount namespace
 * and root directory.
 *
 * <p>In a user namespace of its own a process may forge its {@code /proc/PID/exe} and mount what it
 * likes. A process can't come back from one, so one look a connection is enough: who enters one
 * later and forges anything there shows another executable than at the first look. In our user
 * namespace nobody but root enters another mount namespace or root directory.
 *
 * <p>The host's mount namespace is ours, or that of process 1: a service that systemd hardens
 * ({@code ProtectSystem=} and the like) has one of its own, and so have the modules that are
 * hardened so, which are named by their unit instead.
 */
final class HostProcesses {
  private static final String PID = "ns/pid";
  private static final String USER = "ns/user";
  private static final String MOUNT = "ns/mnt";

  private final Kernel kernel;
  private final Own own;
  private final List<String> ownEngines;

  /**
   * Where a process of the host is.
   *
   * @param mounts mount namespaces
   * @param roots root directories
   */
  private record Own(String pid, String user, List<String> mounts, List<FileFacts> roots) {}

  private HostProcesses(Kernel kernel, Own own, byte[] ownCgroup) {
    this.kernel = kernel;
    this.own = own;
    this.ownEngines = ProcText.enginePrefixes(ownCgroup);
  }

  /** Looks at ourselves, and at process 1 if we may. */
  static HostProcesses ofOurs(Kernel kernel, Scratch s, int pid, byte[] cgroup) {
    List<String> mounts = new ArrayList<>();
    List<FileFacts> roots = new ArrayList<>();
    mounts.add(namespace(kernel, s, pid, MOUNT));
    try {
      roots.add(kernel.root(s, pid));
      int length = kernel.readlink(s, 1, MOUNT);
      if (length > 0) {
        mounts.add(text(s, length));
        roots.add(kernel.root(s, 1));
      }
    } catch (SystemCallException e) {
      if (roots.isEmpty()) {
        throw new IllegalStateException("/proc/self/root: " + e.getMessage(), e);
      }
    }
    Own own =
        new Own(
            namespace(kernel, s, pid, PID),
            namespace(kernel, s, pid, USER),
            List.copyOf(mounts),
            List.copyOf(roots));
    return new HostProcesses(kernel, own, cgroup);
  }

  private static String namespace(Kernel kernel, Scratch s, int pid, String link) {
    int length = kernel.readlink(s, pid, link);
    if (length < 0) {
      throw new IllegalStateException("/proc/self/" + link + ": " + Libc.name(-length));
    }
    return text(s, length);
  }

  /**
   * Why the caller isn't a process of the host; null if it is one.
   *
   * @param namedByUnit whether it must be in a certain systemd unit, which may have a mount
   *     namespace and a root directory of its own
   */
  @Nullable Doubt doubt(Scratch s, ProcessCaller caller, boolean namedByUnit) {
    Doubt doubt = namespace(s, caller, PID, List.of(own.pid));
    doubt = doubt == null ? namespace(s, caller, USER, List.of(own.user)) : doubt;
    if (doubt == null && !namedByUnit) {
      doubt = namespace(s, caller, MOUNT, own.mounts);
      doubt = doubt == null ? root(s, caller) : doubt;
    }
    if (doubt != null) {
      return doubt;
    }
    if (!ProcText.enginePrefixes(caller.first().cgroup().toArray(JAVA_BYTE)).equals(ownEngines)) {
      return Doubt.refused(
          "foreign-container",
          "its cgroup is a container's; without a container: selector a registration means"
              + " processes of the host");
    }
    return null;
  }

  private @Nullable Doubt namespace(
      Scratch s, ProcessCaller caller, String link, List<String> ours) {
    int length = kernel.readlink(s, caller.pid(), link);
    if (length < 0) {
      return unseen(link, -length);
    }
    String found = text(s, length);
    return ours.contains(found)
        ? null
        : Doubt.refused(
            "foreign-namespace",
            "it is in another namespace, "
                + found
                + (link.equals(MOUNT)
                    ? "; name its unit with systemd:unit"
                    : "; without a container: selector a registration means processes of the"
                        + " host"));
  }

  private @Nullable Doubt root(Scratch s, ProcessCaller caller) {
    try {
      FileFacts found = kernel.root(s, caller.pid());
      return own.roots.stream().anyMatch(found::sameFile)
          ? null
          : Doubt.refused(
              "foreign-root", "its root directory is another one; name its unit with systemd:unit");
    } catch (SystemCallException e) {
      return unseen("root", e.errno());
    }
  }

  private static Doubt unseen(String link, int errno) {
    return Looks.denied(errno)
        ? Looks.denied("/proc/PID/" + link + " can't be seen")
        : Doubt.refused("caller-gone", "/proc/PID/" + link + ": " + Libc.name(errno));
  }

  private static String text(Scratch s, int length) {
    return new String(s.bytes(length), StandardCharsets.ISO_8859_1);
  }
}
