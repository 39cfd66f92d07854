package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Asks the kernel whose a TCP connection of this machine is (sock_diag(7), inet_diag_req_v2). */
final class InetDiag {
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int IPPROTO_TCP = 6;
  private static final int TCP_ESTABLISHED = 1;
  private static final int NO_COOKIE = -1;

  /** {@code struct inet_diag_sockid}. */
  private static final int SOCKET_ID = 48;

  /** The header and {@code struct inet_diag_req_v2}. */
  private static final int REQUEST = SockDiag.HEADER + 8 + SOCKET_ID;

  /** The header and {@code struct inet_diag_msg}. */
  private static final int ANSWER = SockDiag.HEADER + 4 + SOCKET_ID + 20;

  private InetDiag() {}

  /**
   * A socket, as the kernel's table has it.
   *
   * @param uid of the file system, of the process that made it
   * @param inode as {@code /proc/PID/fd} shows it
   */
  record Found(long uid, long inode) {}

  /**
   * The socket whose two addresses are these, and no other.
   *
   * @param local its own address
   * @param remote the address that it is connected to
   * @throws SystemCallException ENOENT if there is none in our network namespace, it is not
   *     connected any more, or no process holds it
   */
  static Found find(Scratch s, InetSocketAddress local, InetSocketAddress remote)
      throws SystemCallException {
    ask(s.buffer, local, remote);
    int length = SockDiag.exchange(s, REQUEST);
    if (length < ANSWER || s.buffer.get(JAVA_BYTE, SockDiag.HEADER + 1) != TCP_ESTABLISHED) {
      throw new SystemCallException("sock_diag", Libc.ENOENT);
    }
    long uid = Integer.toUnsignedLong(s.buffer.get(JAVA_INT, ANSWER - 8));
    long inode = Integer.toUnsignedLong(s.buffer.get(JAVA_INT, ANSWER - 4));
    if (inode == 0) {
      throw new SystemCallException("sock_diag", Libc.ENOENT);
    }
    return new Found(uid, inode);
  }

  private static void ask(MemorySegment buffer, InetSocketAddress local, InetSocketAddress remote) {
    int body = SockDiag.begin(buffer, REQUEST);
    boolean six = local.getAddress() instanceof Inet6Address;
    buffer.set(JAVA_BYTE, body, (byte) (six ? AF_INET6 : AF_INET));
    buffer.set(JAVA_BYTE, body + 1, (byte) IPPROTO_TCP);
    buffer.set(JAVA_INT, body + 4, SockDiag.ALL_STATES);
    int id = body + 8;
    port(buffer, id, local.getPort());
    port(buffer, id + 2, remote.getPort());
    address(buffer, id + 4, local.getAddress());
    address(buffer, id + 20, remote.getAddress());
    buffer.set(JAVA_INT, id + 40, NO_COOKIE);
    buffer.set(JAVA_INT, id + 44, NO_COOKIE);
  }

  /** In network order. */
  private static void port(MemorySegment buffer, int at, int port) {
    buffer.set(JAVA_BYTE, at, (byte) (port >>> 8));
    buffer.set(JAVA_BYTE, at + 1, (byte) port);
  }

  private static void address(MemorySegment buffer, int at, InetAddress address) {
    byte[] octets = address.getAddress();
    MemorySegment.copy(octets, 0, buffer, JAVA_BYTE, at, octets.length);
  }
}
