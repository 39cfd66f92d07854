package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;

/** A listening TCP socket on loopback whose accepted descriptors the test owns as plain numbers. */
final class TcpListener implements Accepting, AutoCloseable {
  private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");
  private static final long SOCKET = ARM ? 198 : 41;
  private static final long ACCEPT = ARM ? 202 : 43;
  private static final long BIND = ARM ? 200 : 49;
  private static final long LISTEN = ARM ? 201 : 50;
  private static final long NAME = ARM ? 204 : 51;
  private static final long PEER_NAME = ARM ? 205 : 52;
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int SOCK_STREAM_CLOEXEC = 1 | 0x80000;
  private static final int ADDRESS_BYTES = 28;

  private final Scratch scratch = new Scratch();
  private final InetAddress loopback;
  private final int socket;

  TcpListener(String address) throws UnknownHostException {
    loopback = InetAddress.getByName(address);
    byte[] octets = loopback.getAddress();
    boolean six = octets.length == 16;
    socket = call(SOCKET, six ? AF_INET6 : AF_INET, SOCK_STREAM_CLOEXEC, 0);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(ADDRESS_BYTES, 8);
      name.set(JAVA_SHORT, 0, (short) (six ? AF_INET6 : AF_INET));
      MemorySegment.copy(octets, 0, name, JAVA_BYTE, six ? 8 : 4, octets.length);
      call(BIND, socket, name.address(), six ? ADDRESS_BYTES : 16);
    }
    call(LISTEN, socket, 128, 0);
  }

  @Override
  public String address() {
    return (loopback.getAddress().length == 16 ? "6:" : "4:") + own(socket).getPort();
  }

  @Override
  public int accept() {
    return call(ACCEPT, socket, 0, 0);
  }

  /** Our address of a connection. */
  InetSocketAddress own(int descriptor) {
    return address(NAME, descriptor);
  }

  /** The other end's. */
  InetSocketAddress other(int descriptor) {
    return address(PEER_NAME, descriptor);
  }

  private InetSocketAddress address(long name, int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment found = arena.allocate(ADDRESS_BYTES, 8);
      MemorySegment length = arena.allocate(4, 4);
      length.set(JAVA_INT, 0, ADDRESS_BYTES);
      call(name, descriptor, found.address(), length.address());
      int port = Byte.toUnsignedInt(found.get(JAVA_BYTE, 2)) << 8;
      return new InetSocketAddress(loopback, port | Byte.toUnsignedInt(found.get(JAVA_BYTE, 3)));
    }
  }

  @Override
  public void close(int descriptor) {
    Libc.close(scratch, descriptor);
  }

  @Override
  public void close() {
    close(socket);
  }

  private int call(long number, long a, long b, long c) {
    int result = Libc.call(scratch, number, a, b, c, 0, 0);
    if (result < 0) {
      throw new IllegalStateException(Libc.name(-result));
    }
    return result;
  }
}
