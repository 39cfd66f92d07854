package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.util.List;

/** What this kernel can't tell, tried out on a pair of sockets of our own. */
final class KernelLimits {
  private KernelLimits() {}

  /**
   * Tries.
   *
   * @param limits takes each limit, for people
   */
  static void find(Kernel kernel, Scratch s, List<String> limits) {
    int result = Libc.socketpair(s, s.buffer);
    if (result < 0) {
      throw new IllegalStateException("socketpair: " + Libc.name(-result));
    }
    int one = s.buffer.get(JAVA_INT, 0);
    int other = s.buffer.get(JAVA_INT, 4);
    try {
      peer(kernel, s, one, limits);
      writer(kernel, s, one, other, limits);
      holders(kernel, s, one, limits);
    } finally {
      Libc.close(s, one);
      Libc.close(s, other);
    }
  }

  private static void peer(Kernel kernel, Scratch s, int socket, List<String> limits) {
    int pidfd = kernel.peerPidfd(s, socket);
    if (pidfd >= 0) {
      Libc.close(s, pidfd);
    } else {
      limits.add(
          "this kernel has no SO_PEERPIDFD (Linux 6.5): between connect and accept a process of"
              + " the same user could take the place of one that ended");
    }
    if (kernel.peerGroups(s, socket) == -Libc.ENOPROTOOPT) {
      limits.add(
          "this kernel has no SO_PEERGROUPS (Linux 4.13): supplementary groups are those at"
              + " accept, not at connect");
    }
  }

  private static void writer(Kernel kernel, Scratch s, int one, int other, List<String> limits) {
    boolean noted = kernel.passCredentials(s, one) >= 0;
    int sent = noted ? Libc.send(s, other, s.buffer, 1) : -1;
    Written.By self = new Written.By(Libc.getpid(s), Libc.geteuid(s));
    if (sent != 1 || !(Writers.next(s, one, self) instanceof Written.By)) {
      limits.add(
          "this kernel doesn't name the writer of a request (SO_PASSCRED): every request of a"
              + " module is refused");
    }
  }

  private static void holders(Kernel kernel, Scratch s, int socket, List<String> limits) {
    try {
      UnixDiag.peer(s, kernel.socketId(s, socket));
    } catch (SystemCallException e) {
      limits.add(
          "strict registrations are \"unavailable\", since nobody says what a socket is connected"
              + " to ("
              + e.getMessage()
              + "): load the kernel module unix_diag, and allow the service AF_NETLINK");
    }
    byte[] info = Looks.readAll(kernel, s, Libc.getpid(s), "fdinfo/" + socket);
    if (info == null || ProcText.number(info, "scm_fds:", 10).isEmpty()) {
      limits.add(
          "this kernel doesn't say what descriptors are under way (Linux 5.6): strict registrations"
              + " are \"unavailable\"");
    }
  }
}
