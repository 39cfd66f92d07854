package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A listening Unix socket whose accepted descriptors the test owns as plain numbers. */
final class Listener implements AutoCloseable {
  private static final MethodHandle SOCKET =
      Libc.function("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle BIND =
      Libc.function("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle LISTEN =
      Libc.function("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle CONNECT =
      Libc.function("connect", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle ACCEPT =
      Libc.function("accept", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle CHMOD =
      Libc.function("chmod", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM_CLOEXEC = 1 | 0x80000;

  private final Scratch scratch = new Scratch();
  private final Path path;
  private final int socket;

  Listener(Path path) {
    this.path = path;
    socket = socket();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = address(arena);
      call(() -> (int) BIND.invokeExact(scratch.errno, socket, address, 110));
    }
    MemorySegment name = scratch.path(path.toString());
    call(() -> (int) CHMOD.invokeExact(scratch.errno, name, 0666));
    call(() -> (int) LISTEN.invokeExact(scratch.errno, socket, 128));
  }

  Path path() {
    return path;
  }

  /** Waits for the next connection. */
  int accept() {
    return call(() ->
        (int) ACCEPT.invokeExact(scratch.errno, socket, MemorySegment.NULL, MemorySegment.NULL));
  }

  /** A connection of our own. */
  int connect() {
    int client = socket();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = address(arena);
      call(() -> (int) CONNECT.invokeExact(scratch.errno, client, address, 110));
    }
    return client;
  }

  void close(int descriptor) {
    Libc.close(scratch, descriptor);
  }

  @Override
  public void close() {
    close(socket);
  }

  private int socket() {
    return call(() -> (int) SOCKET.invokeExact(scratch.errno, AF_UNIX, SOCK_STREAM_CLOEXEC, 0));
  }

  private MemorySegment address(Arena arena) {
    byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
    MemorySegment address = arena.allocate(110, 8);
    address.set(JAVA_SHORT, 0, (short) AF_UNIX);
    MemorySegment.copy(name, 0, address, JAVA_BYTE, 2, name.length);
    return address;
  }

  private int call(Libc.Call function) {
    long result = Libc.call(scratch, function);
    if (result < 0) {
      throw new IllegalStateException(path + ": " + Libc.name((int) -result));
    }
    return (int) result;
  }
}
