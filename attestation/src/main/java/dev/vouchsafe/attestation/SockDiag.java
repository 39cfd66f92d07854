package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/** One question to the kernel about one socket (sock_diag(7)), and its answer. */
final class SockDiag {
  private static final int AF_NETLINK = 16;
  private static final int SOCK_DGRAM = 2;
  private static final int NETLINK_SOCK_DIAG = 4;
  private static final short SOCK_DIAG_BY_FAMILY = 20;
  private static final short NLM_F_REQUEST = 1;
  private static final short NLMSG_ERROR = 2;

  static final int ALL_STATES = -1;

  /** {@code struct nlmsghdr}. */
  static final int HEADER = 16;

  private SockDiag() {}

  /**
   * Clears room for a request and writes its header.
   *
   * @return where the rest of it begins
   */
  static int begin(MemorySegment buffer, int length) {
    buffer.asSlice(0, length).fill((byte) 0);
    buffer.set(JAVA_INT, 0, length);
    buffer.set(JAVA_SHORT, 4, SOCK_DIAG_BY_FAMILY);
    buffer.set(JAVA_SHORT, 6, NLM_F_REQUEST);
    return HEADER;
  }

  /**
   * Sends the request in the buffer and puts the answer in its place.
   *
   * @return the answer's length
   * @throws SystemCallException what the kernel says instead of an answer
   */
  static int exchange(Scratch s, int request) throws SystemCallException {
    int netlink = Libc.socket(s, AF_NETLINK, SOCK_DGRAM | Libc.O_NONBLOCK, NETLINK_SOCK_DIAG);
    if (netlink < 0) {
      throw new SystemCallException("socket", -netlink);
    }
    try {
      int result = Libc.send(s, netlink, s.buffer, request);
      if (result < 0) {
        throw new SystemCallException("sock_diag", -result);
      }
      // The kernel has answered before it returns from the call.
      int length = Libc.read(s, netlink, s.buffer, Scratch.BUFFER_BYTES);
      if (length < 0) {
        throw new SystemCallException("sock_diag", -length);
      }
      if (length >= HEADER + 4 && s.buffer.get(JAVA_SHORT, 4) == NLMSG_ERROR) {
        throw new SystemCallException("sock_diag", -s.buffer.get(JAVA_INT, HEADER));
      }
      return length;
    } finally {
      Libc.close(s, netlink);
    }
  }
}
