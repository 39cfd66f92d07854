package dev.vouchsafe.cli;

import java.io.IOException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteOrder;

/** The few system calls that Java has no face for. */
final class SystemCalls {
  private static final int PR_SET_DUMPABLE = 4;
  private static final short AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int SUN_PATH = 108;

  private static final AddressLayout POINTER = ValueLayout.ADDRESS;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

  private final Linker linker = Linker.nativeLinker();

  /**
   * Forbids core dumps of this process, and reading its memory by others of the same user (prctl(2)
   * PR_SET_DUMPABLE): keys are in there.
   */
  void forbidDumps() throws IOException {
    MethodHandle prctl =
        function(
            "prctl",
            FunctionDescriptor.of(INT, INT, LONG, LONG, LONG, LONG),
            Linker.Option.firstVariadicArg(1));
    if (call(prctl, PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) != 0) {
      throw new IOException("the kernel did not take PR_SET_DUMPABLE");
    }
  }

  /**
   * Sends one datagram to a Unix socket.
   *
   * @param address the path; {@code @} first stands for an abstract address (unix(7))
   * @throws IOException if it is too long, or nobody takes it
   */
  void sendDatagram(byte[] address, byte[] message) throws IOException {
    if (address.length == 0 || address.length >= SUN_PATH) {
      throw new IOException("the address of the datagram socket is empty or too long");
    }
    int socket =
        call(
            function("socket", FunctionDescriptor.of(INT, INT, INT, INT)),
            (int) AF_UNIX,
            SOCK_DGRAM | SOCK_CLOEXEC,
            0);
    if (socket < 0) {
      throw new IOException("no datagram socket to be had");
    }
    MethodHandle close = function("close", FunctionDescriptor.of(INT, INT));
    try {
      send(socket, address, message);
    } finally {
      call(close, socket);
    }
  }

  private void send(int socket, byte[] address, byte[] message) throws IOException {
    MethodHandle sendto =
        function("sendto", FunctionDescriptor.of(LONG, INT, POINTER, LONG, INT, POINTER, INT));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment sockaddr = arena.allocate(Short.BYTES + SUN_PATH, Short.BYTES);
      sockaddr.set(ValueLayout.JAVA_SHORT.withOrder(ByteOrder.nativeOrder()), 0, AF_UNIX);
      MemorySegment.copy(address, 0, sockaddr, ValueLayout.JAVA_BYTE, Short.BYTES, address.length);
      if (address[0] == '@') {
        sockaddr.set(ValueLayout.JAVA_BYTE, Short.BYTES, (byte) 0);
      }
      MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_BYTE, message);
      long sent =
          callLong(
              sendto,
              socket,
              data,
              (long) message.length,
              MSG_NOSIGNAL,
              sockaddr,
              Short.BYTES + address.length);
      if (sent != message.length) {
        throw new IOException("nobody takes datagrams there");
      }
    }
  }

  private MethodHandle function(
      String name, FunctionDescriptor descriptor, Linker.Option... options) {
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor, options);
  }

  private static int call(MethodHandle function, Object... arguments) {
    return ((Number) invoke(function, arguments)).intValue();
  }

  private static long callLong(MethodHandle function, Object... arguments) {
    return ((Number) invoke(function, arguments)).longValue();
  }

  private static Object invoke(MethodHandle function, Object... arguments) {
    try {
      return function.invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException("a system call could not be made", e);
    }
  }
}
