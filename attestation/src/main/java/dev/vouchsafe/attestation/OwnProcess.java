package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What our own process is, and so what we can see of others.
 *
 * @param host tells processes of our host from those of containers
 * @param seesOthers whether we may look at every process
 * @param limits what can't be seen or ruled out, for people
 */
record OwnProcess(HostProcesses host, boolean seesOthers, List<String> limits) {
  private static final int CAP_SYS_PTRACE = 19;
  private static final Pattern CAPABILITIES =
      Pattern.compile("^CapEff:\\s*([0-9a-f]{1,16})$", Pattern.MULTILINE);

  OwnProcess {
    limits = List.copyOf(limits);
  }

  /**
   * Looks.
   *
   * @throws IllegalStateException if {@code /proc} isn't there or isn't that of our pid namespace
   */
  static OwnProcess look(Kernel kernel, Scratch s) {
    int pid = Libc.getpid(s);
    int length = Libc.readlink(s, s.path("/proc/self"), s.buffer, Scratch.BUFFER_BYTES);
    String self = length < 0 ? "" : new String(s.bytes(length), StandardCharsets.US_ASCII);
    if (!self.equals(Integer.toString(pid))) {
      throw new IllegalStateException(
          "/proc isn't that of our pid namespace, so nothing could be said of any caller");
    }
    byte[] cgroup = file(kernel, s, pid, "cgroup");
    byte[] status = file(kernel, s, pid, "status");
    List<String> limits = new ArrayList<>();
    kernelLimits(kernel, s, limits);
    boolean seesOthers = mayMeasureOthers(status);
    if (!seesOthers) {
      limits.add(
          "without CAP_SYS_PTRACE only processes of our own user can be measured; others get"
              + " \"unavailable\"");
    }
    return new OwnProcess(HostProcesses.ofOurs(kernel, s, pid, cgroup), seesOthers, limits);
  }

  private static byte[] file(Kernel kernel, Scratch s, int pid, String name) {
    byte[] content = Looks.readAll(kernel, s, pid, name);
    if (content == null) {
      throw new IllegalStateException("/proc/self/" + name + " can't be read");
    }
    return content;
  }

  private static boolean mayMeasureOthers(byte[] status) {
    Matcher matcher = CAPABILITIES.matcher(new String(status, StandardCharsets.ISO_8859_1));
    return matcher.find()
        && (Long.parseUnsignedLong(matcher.group(1), 16) >>> CAP_SYS_PTRACE & 1) == 1;
  }

  private static void kernelLimits(Kernel kernel, Scratch s, List<String> limits) {
    int result = Libc.socketpair(s, s.buffer);
    if (result < 0) {
      throw new IllegalStateException("socketpair: " + Libc.name(-result));
    }
    int one = s.buffer.get(JAVA_INT, 0);
    int other = s.buffer.get(JAVA_INT, 4);
    try {
      int pidfd = kernel.peerPidfd(s, one);
      if (pidfd >= 0) {
        Libc.close(s, pidfd);
      } else {
        limits.add(
            "this kernel has no SO_PEERPIDFD (Linux 6.5): between connect and accept a process of"
                + " the same user could take the place of one that ended");
      }
      if (kernel.peerGroups(s, one) == -Libc.ENOPROTOOPT) {
        limits.add(
            "this kernel has no SO_PEERGROUPS (Linux 4.13): supplementary groups are those at"
                + " accept, not at connect");
      }
    } finally {
      Libc.close(s, one);
      Libc.close(s, other);
    }
  }
}
