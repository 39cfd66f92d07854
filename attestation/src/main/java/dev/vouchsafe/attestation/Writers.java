package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;

/**
 * Asks who wrote what stands first in a Unix socket, and leaves it there (unix(7),
 * SCM_CREDENTIALS).
 *
 * <p>The kernel notes the writer of each message at the time of writing, and never lets one read
 * take the octets of two writers. So what is found here holds for the whole of the next read.
 *
 * <p>A process with CAP_SYS_ADMIN over its pid namespace can name another process of that namespace
 * as the writer, and one with CAP_SETUID another user: root, of the host or of a container, speaks
 * for its processes. Anybody else can name himself only.
 */
final class Writers {
  private static final int MSG_PEEK = 0x2;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final int SOL_SOCKET = 1;
  private static final int SCM_CREDENTIALS = 2;

  // struct msghdr, struct iovec, one octet of data, and the ancillary data, in the buffer.
  private static final long IOVEC = 64;
  private static final long OCTET = 80;
  private static final long CONTROL = 96;

  /** {@code CMSG_LEN(sizeof(struct ucred))}. */
  private static final int CREDENTIALS_BYTES = 28;

  /** {@code CMSG_SPACE} of the same: no room for descriptors, so that none is ever taken in. */
  private static final int CONTROL_BYTES = 32;

  private Writers() {}

  /**
   * Never waits.
   *
   * @param likely what is answered, the very object, if it is true
   */
  static Written next(Scratch s, int socket, Written.By likely) {
    int length;
    do {
      length = peek(s, socket);
    } while (length == -Libc.EINTR);
    if (length == 0) {
      return Written.Nothing.ANY_MORE;
    }
    if (length < 0) {
      return length == -Libc.EAGAIN
          ? Written.Nothing.YET
          : new Written.Unsaid("recvmsg: " + Libc.name(-length));
    }
    if (s.buffer.get(JAVA_LONG, 40) < CREDENTIALS_BYTES
        || s.buffer.get(JAVA_LONG, CONTROL) != CREDENTIALS_BYTES
        || s.buffer.get(JAVA_INT, CONTROL + 8) != SOL_SOCKET
        || s.buffer.get(JAVA_INT, CONTROL + 12) != SCM_CREDENTIALS) {
      return new Written.Unsaid("no SCM_CREDENTIALS came with it");
    }
    int pid = s.buffer.get(JAVA_INT, CONTROL + 16);
    long uid = Integer.toUnsignedLong(s.buffer.get(JAVA_INT, CONTROL + 20));
    return pid == likely.pid() && uid == likely.uid() ? likely : new Written.By(pid, uid);
  }

  private static int peek(Scratch s, int socket) {
    MemorySegment buffer = s.buffer;
    buffer.set(JAVA_LONG, 0, 0);
    buffer.set(JAVA_LONG, 8, 0);
    buffer.set(JAVA_LONG, 16, buffer.address() + IOVEC);
    buffer.set(JAVA_LONG, 24, 1);
    buffer.set(JAVA_LONG, 32, buffer.address() + CONTROL);
    buffer.set(JAVA_LONG, 40, CONTROL_BYTES);
    buffer.set(JAVA_LONG, 48, 0);
    buffer.set(JAVA_LONG, IOVEC, buffer.address() + OCTET);
    buffer.set(JAVA_LONG, IOVEC + 8, 1);
    buffer.set(JAVA_LONG, CONTROL, 0);
    return Libc.recvmsg(s, socket, buffer, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  }
}
