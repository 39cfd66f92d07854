package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A listening Unix socket whose accepted descriptors the test owns as plain numbers. */
final class Listener implements Accepting, AutoCloseable {
  private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");
  private static final long SOCKET = ARM ? 198 : 41;
  private static final long CONNECT = ARM ? 203 : 42;
  private static final long ACCEPT = ARM ? 202 : 43;
  private static final long BIND = ARM ? 200 : 49;
  private static final long LISTEN = ARM ? 201 : 50;
  private static final long FCHMODAT = ARM ? 53 : 268;
  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM_CLOEXEC = 1 | 0x80000;

  private final Scratch scratch = new Scratch();
  private final Path path;
  private final int socket;

  Listener(Path path) {
    this.path = path;
    socket = socket();
    try (Arena arena = Arena.ofConfined()) {
      call(BIND, socket, address(arena).address(), 110);
    }
    call(FCHMODAT, Libc.AT_FDCWD, scratch.path(path.toString()).address(), 0666);
    call(LISTEN, socket, 128, 0);
  }

  Path path() {
    return path;
  }

  /** The listening socket itself. */
  int descriptor() {
    return socket;
  }

  @Override
  public String address() {
    return path.toString();
  }

  @Override
  public int accept() {
    return call(ACCEPT, socket, 0, 0);
  }

  /** A connection of our own. */
  int connect() {
    int client = socket();
    try (Arena arena = Arena.ofConfined()) {
      call(CONNECT, client, address(arena).address(), 110);
    }
    return client;
  }

  @Override
  public void close(int descriptor) {
    Libc.close(scratch, descriptor);
  }

  @Override
  public void close() {
    close(socket);
  }

  private int socket() {
    return call(SOCKET, AF_UNIX, SOCK_STREAM_CLOEXEC, 0);
  }

  private MemorySegment address(Arena arena) {
    byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
    MemorySegment address = arena.allocate(110, 8);
    address.set(JAVA_SHORT, 0, (short) AF_UNIX);
    MemorySegment.copy(name, 0, address, JAVA_BYTE, 2, name.length);
    return address;
  }

  private int call(long number, long a, long b, long c) {
    int result = Libc.call(scratch, number, a, b, c, 0, 0);
    if (result < 0) {
      throw new IllegalStateException(path + ": " + Libc.name(-result));
    }
    return result;
  }
}
