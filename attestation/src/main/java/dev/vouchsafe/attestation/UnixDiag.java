package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;

/** Asks the kernel what a Unix socket is connected to (sock_diag(7), {@code UNIX_DIAG}). */
final class UnixDiag {
  private static final int AF_UNIX = 1;
  private static final int UDIAG_SHOW_PEER = 4;
  private static final short UNIX_DIAG_PEER = 2;

  /** The header and {@code struct unix_diag_req}. */
  private static final int REQUEST = SockDiag.HEADER + 24;

  /** The header and {@code struct unix_diag_msg}. */
  private static final int ANSWER = SockDiag.HEADER + 16;

  private UnixDiag() {}

  /**
   * The inode of the socket at the other end.
   *
   * @return 0 if the other end is closed
   * @throws SystemCallException ENOENT if there is no such socket in our network namespace, or the
   *     kernel has no {@code unix_diag}
   */
  static long peer(Scratch s, SocketId socket) throws SystemCallException {
    ask(s.buffer, socket);
    return answered(s.buffer, SockDiag.exchange(s, REQUEST));
  }

  private static void ask(MemorySegment buffer, SocketId socket) {
    int body = SockDiag.begin(buffer, REQUEST);
    buffer.set(JAVA_BYTE, body, (byte) AF_UNIX);
    buffer.set(JAVA_INT, body + 4, SockDiag.ALL_STATES);
    buffer.set(JAVA_INT, body + 8, (int) socket.inode());
    buffer.set(JAVA_INT, body + 12, UDIAG_SHOW_PEER);
    buffer.set(JAVA_INT, body + 16, (int) socket.cookie());
    buffer.set(JAVA_INT, body + 20, (int) (socket.cookie() >>> 32));
  }

  private static long answered(MemorySegment buffer, int length) {
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
