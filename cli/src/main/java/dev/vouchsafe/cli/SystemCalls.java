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
import java.nio.file.Path;
import java.time.Duration;

/** The few system calls that Java has no face for. */
final class SystemCalls {
  private static final int PR_SET_DUMPABLE = 4;
  private static final short AF_UNIX = 1;
  private static final int SOCK_DGRAM = 2;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int SUN_PATH = 108;
  private static final int AT_FDCWD = -100;
  private static final int RENAME_EXCHANGE = 2;

  /** Fair policies of sched(7), the only ones whose slice is shortened. */
  private static final int SCHED_OTHER = 0;

  private static final int SCHED_BATCH = 3;

  /** Of struct sched_attr (sched_setattr(2)), in its first version. */
  private static final int ATTR_SIZE = 48;

  private static final int ATTR_POLICY = 4;
  private static final int ATTR_RUNTIME = 24;

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
   * Has this thread, and all that it starts from now on, run in shorter turns: whoever is woken up
   * waits less for those that are busy, and nobody gets less of the processors. Kernels before 6.12
   * take no notice of it (sched_setattr(2), sched_runtime of a fair policy).
   *
   * @param slice 0.1 to 100 ms
   * @throws IOException if the kernel doesn't allow it, or has another number for the call than we
   *     know
   */
  void shortenTurns(Duration slice) throws IOException {
    boolean amd64 = System.getProperty("os.arch", "").equals("amd64");
    if (!amd64 && !System.getProperty("os.arch", "").equals("aarch64")) {
      throw new IOException("the number of sched_setattr is not known for this architecture");
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attr = arena.allocate(ATTR_SIZE, Long.BYTES);
      MethodHandle get =
          function(
              "syscall",
              FunctionDescriptor.of(LONG, LONG, INT, POINTER, INT, INT),
              Linker.Option.firstVariadicArg(1));
      if (callLong(get, amd64 ? 315L : 275L, 0, attr, ATTR_SIZE, 0) != 0) {
        throw new IOException("the kernel did not take sched_getattr");
      }
      int policy = attr.get(INT, ATTR_POLICY);
      if (policy != SCHED_OTHER && policy != SCHED_BATCH) {
        throw new IOException("this process runs under another policy, which stays");
      }
      attr.set(LONG, ATTR_RUNTIME, slice.toNanos());
      MethodHandle set =
          function(
              "syscall",
              FunctionDescriptor.of(LONG, LONG, INT, POINTER, INT),
              Linker.Option.firstVariadicArg(1));
      if (callLong(set, amd64 ? 314L : 274L, 0, attr, 0) != 0) {
        throw new IOException("the kernel did not take sched_setattr");
      }
    }
  }

  /**
   * Has two paths of one file system change places, in one step that a crash can't divide
   * (renameat2(2), RENAME_EXCHANGE).
   */
  void exchange(Path one, Path other) throws IOException {
    MethodHandle renameat2 =
        function("renameat2", FunctionDescriptor.of(INT, INT, POINTER, INT, POINTER, INT));
    try (Arena arena = Arena.ofConfined()) {
      int done =
          call(
              renameat2,
              AT_FDCWD,
              arena.allocateFrom(one.toAbsolutePath().toString()),
              AT_FDCWD,
              arena.allocateFrom(other.toAbsolutePath().toString()),
              RENAME_EXCHANGE);
      if (done != 0) {
        throw new IOException(
            "the file system can't exchange " + one + " and " + other + " (renameat2)");
      }
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
