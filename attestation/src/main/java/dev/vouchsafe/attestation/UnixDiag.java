package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/** Asks the kernel what a Unix socket is connected to (sock_diag(7), {@code UNIX_DIAG}). */
final class UnixDiag {
  private static final int AF_UNIX = 1;
  private static final int AF_NETLINK = 16;
  private static final int SOCK_DGRAM = 2;
  private static final int NETLINK_SOCK_DIAG = 4;
  private static final short SOCK_DIAG_BY_FAMILY = 20;
  private static final short NLM_F_REQUEST = 1;
  private static final short NLMSG_ERROR = 2;
  private static final int UDIAG_SHOW_PEER = 4;
  private static final short UNIX_DIAG_PEER = 2;
  private static final int ALL_STATES = -1;

  /** {@code struct nlmsghdr}. */
  private static final int HEADER = 16;

  /** The header and {@code struct unix_diag_req}. */
  private static final int REQUEST = HEADER + 24;

  /** The header and {@code struct unix_diag_msg}. */
  private static final int ANSWER = HEADER + 16;

  private UnixDiag() {}

  /**
   * The inode of the socket at the other end.
   *
   * @return 0 if the other end is closed
   * @throws SystemCallException ENOENT if there is no such socket in our network namespace, or the
   *     kernel has no {@code unix_diag}
   */
  static long peer(Scratch s, SocketId socket) throws SystemCallException {
    int netlink = Libc.socket(s, AF_NETLINK, SOCK_DGRAM | Libc.O_NONBLOCK, NETLINK_SOCK_DIAG);
    if (netlink < 0) {
      throw new SystemCallException("socket", -netlink);
    }
    try {
      ask(s.buffer, socket);
      int result = Libc.send(s, netlink, s.buffer, REQUEST);
      if (result < 0) {
        throw new SystemCallException("sock_diag", -result);
      }
      // The kernel has answered before it returns from the call.
      int length = Libc.read(s, netlink, s.buffer, Scratch.BUFFER_BYTES);
      if (length < 0) {
        throw new SystemCallException("sock_diag", -length);
      }
      return answered(s.buffer, length);
    } finally {
      Libc.close(s, netlink);
    }
  }

  private static void ask(MemorySegment buffer, SocketId socket) {
    buffer.asSlice(0, REQUEST).fill((byte) 0);
    buffer.set(JAVA_INT, 0, REQUEST);
    buffer.set(JAVA_SHORT, 4, SOCK_DIAG_BY_FAMILY);
    buffer.set(JAVA_SHORT, 6, NLM_F_REQUEST);
    buffer.set(JAVA_BYTE, HEADER, (byte) AF_UNIX);
    buffer.set(JAVA_INT, HEADER + 4, ALL_STATES);
    buffer.set(JAVA_INT, HEADER + 8, (int) socket.inode());
    buffer.set(JAVA_INT, HEADER + 12, UDIAG_SHOW_PEER);
    buffer.set(JAVA_INT, HEADER + 16, (int) socket.cookie());
    buffer.set(JAVA_INT, HEADER + 20, (int) (socket.cookie() >>> 32));
  }

  private static long answered(MemorySegment buffer, int length) throws SystemCallException {
    if (length >= HEADER + 4 && buffer.get(JAVA_SHORT, 4) == NLMSG_ERROR) {
      throw new SystemCallException("sock_diag", -buffer.get(JAVA_INT, HEADER));
    }
    int at = ANSWER;
    while (at + 4 <= length) {
      int size = Short.toUnsignedInt(buffer.get(JAVA_SHORT, at));
      if (buffer.get(JAVA_SHORT, at + 2) == UNIX_DIAG_PEER && at + 8 <= length) {
        return Integer.toUnsignedLong(buffer.get(JAVA_INT, at + 4));
      }
      at += Math.max(4, size + 3 & ~3);
    }
    return 0;
  }
}
