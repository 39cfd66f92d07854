package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The functions of the C library that attestation calls.
 *
 * <p>Each returns what the function returns, or the negative errno where that is -1. Constants are
 * those of x86-64 and arm64, which differ in a few.
 */
final class Libc {
  static final int ENOENT = 2;
  static final int ESRCH = 3;
  static final int EINTR = 4;
  static final int EAGAIN = 11;
  static final int EACCES = 13;
  static final int EPERM = 1;
  static final int EEXIST = 17;
  static final int ENOTDIR = 20;
  static final int EINVAL = 22;
  static final int ENOTTY = 25;
  static final int ERANGE = 34;
  static final int ELOOP = 40;
  static final int ENOPROTOOPT = 92;

  static final int O_RDONLY = 0;
  static final int O_NONBLOCK = 0x800;
  static final int O_CLOEXEC = 0x80000;
  static final int O_PATH = 0x200000;
  static final int O_DIRECTORY = onArm() ? 0x4000 : 0x10000;
  static final int O_NOFOLLOW = onArm() ? 0x8000 : 0x20000;
  static final int AT_FDCWD = -100;
  static final int LOCK_EX_NB = 2 | 4;

  static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle OPEN =
      function("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), 2);
  private static final MethodHandle OPENAT =
      function("openat", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT), 3);
  private static final MethodHandle CLOSE =
      function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle READ =
      function("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle PREAD =
      function("pread", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle POLL =
      function("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
  private static final MethodHandle IOCTL =
      function("ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), 2);
  private static final MethodHandle SYSCALL =
      function("syscall", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG), 1);
  private static final MethodHandle STATX =
      function(
          "statx", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle FSTATFS =
      function("fstatfs", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle READLINK =
      function("readlink", FunctionDescriptor.of(JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG));
  private static final MethodHandle GETDENTS =
      function("getdents64", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
  private static final MethodHandle GETSOCKOPT =
      function(
          "getsockopt",
          FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle INOTIFY_INIT =
      function("inotify_init1", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle INOTIFY_ADD =
      function("inotify_add_watch", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle FLOCK =
      function("flock", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle FSYNC =
      function("fsync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle GETEUID = function("geteuid", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle GETPID = function("getpid", FunctionDescriptor.of(JAVA_INT));

  private static final long SYS_PIDFD_OPEN = 434;

  private Libc() {}

  static int open(Scratch s, MemorySegment path, int flags) {
    return (int) call(s, () -> (int) OPEN.invokeExact(s.errno, path, flags));
  }

  static int openat(Scratch s, int folder, MemorySegment path, int flags) {
    return (int) call(s, () -> (int) OPENAT.invokeExact(s.errno, folder, path, flags));
  }

  /** Never repeated: the descriptor is gone whatever close says. */
  static void close(Scratch s, int descriptor) {
    call(s, () -> (int) CLOSE.invokeExact(s.errno, descriptor));
  }

  static int read(Scratch s, int descriptor, MemorySegment into, int length) {
    return (int) call(s, () -> (long) READ.invokeExact(s.errno, descriptor, into, (long) length));
  }

  static int pread(Scratch s, int descriptor, MemorySegment into, int length, long offset) {
    return (int)
        call(s, () -> (long) PREAD.invokeExact(s.errno, descriptor, into, (long) length, offset));
  }

  /** Polls one {@code struct pollfd} without waiting. */
  static int pollNow(Scratch s, MemorySegment pollfd) {
    return (int) call(s, () -> (int) POLL.invokeExact(s.errno, pollfd, 1L, 0));
  }

  static int ioctl(Scratch s, int descriptor, long request, MemorySegment argument) {
    return (int) call(s, () -> (int) IOCTL.invokeExact(s.errno, descriptor, request, argument));
  }

  /**
   * A pidfd of the process that has this id now; Linux 5.3, glibc has no function for it before
   * 2.36.
   */
  static int pidfdOpen(Scratch s, int pid) {
    return (int) call(s, () -> (long) SYSCALL.invokeExact(s.errno, SYS_PIDFD_OPEN, (long) pid, 0L));
  }

  static int statx(
      Scratch s, int folder, MemorySegment path, int flags, int mask, MemorySegment into) {
    return (int) call(s, () -> (int) STATX.invokeExact(s.errno, folder, path, flags, mask, into));
  }

  static int fstatfs(Scratch s, int descriptor, MemorySegment into) {
    return (int) call(s, () -> (int) FSTATFS.invokeExact(s.errno, descriptor, into));
  }

  static int readlink(Scratch s, MemorySegment path, MemorySegment into, int length) {
    return (int) call(s, () -> (long) READLINK.invokeExact(s.errno, path, into, (long) length));
  }

  static int getdents(Scratch s, int folder, MemorySegment into, int length) {
    return (int) call(s, () -> (long) GETDENTS.invokeExact(s.errno, folder, into, (long) length));
  }

  static int getsockopt(
      Scratch s, int socket, int level, int option, MemorySegment value, MemorySegment length) {
    return (int)
        call(s, () -> (int) GETSOCKOPT.invokeExact(s.errno, socket, level, option, value, length));
  }

  static int inotifyInit(Scratch s, int flags) {
    return (int) call(s, () -> (int) INOTIFY_INIT.invokeExact(s.errno, flags));
  }

  static int inotifyAddWatch(Scratch s, int inotify, MemorySegment path, int mask) {
    return (int) call(s, () -> (int) INOTIFY_ADD.invokeExact(s.errno, inotify, path, mask));
  }

  static int flock(Scratch s, int descriptor, int operation) {
    return (int) call(s, () -> (int) FLOCK.invokeExact(s.errno, descriptor, operation));
  }

  static int fsync(Scratch s, int descriptor) {
    return (int) call(s, () -> (int) FSYNC.invokeExact(s.errno, descriptor));
  }

  static long geteuid(Scratch s) {
    return Integer.toUnsignedLong((int) call(s, () -> (int) GETEUID.invokeExact(s.errno)));
  }

  static int getpid(Scratch s) {
    return (int) call(s, () -> (int) GETPID.invokeExact(s.errno));
  }

  /** What an errno is called, for messages. */
  static String name(int errno) {
    return switch (errno) {
      case EPERM -> "EPERM";
      case ENOENT -> "ENOENT";
      case ESRCH -> "ESRCH";
      case EACCES -> "EACCES";
      case ENOTDIR -> "ENOTDIR";
      case ELOOP -> "ELOOP";
      default -> "errno " + errno;
    };
  }

  /** A call of a C function; sealed off here because a method handle may throw anything. */
  @FunctionalInterface
  interface Call {
    long run() throws Throwable;
  }

  /** The result, or the negative errno in place of -1. */
  static long call(Scratch s, Call function) {
    long result;
    try {
      result = function.run();
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new LinkageError("a C function can't be called", e);
    }
    return result == -1 ? -(int) ERRNO.get(s.errno, 0L) : result;
  }

  /**
   * A function of the C library.
   *
   * @param fixed how many parameters come before its variadic ones, if it has any
   */
  static MethodHandle function(String name, FunctionDescriptor shape, int... fixed) {
    Linker.Option errno = Linker.Option.captureCallState("errno");
    Linker.Option[] options =
        fixed.length == 0
            ? new Linker.Option[] {errno}
            : new Linker.Option[] {errno, Linker.Option.firstVariadicArg(fixed[0])};
    Linker linker = Linker.nativeLinker();
    MemorySegment address =
        linker
            .defaultLookup()
            .find(name)
            .orElseThrow(() -> new UnsatisfiedLinkError("the C library has no " + name));
    return linker.downcallHandle(address, shape, options);
  }

  private static boolean onArm() {
    return System.getProperty("os.arch").equals("aarch64");
  }
}
