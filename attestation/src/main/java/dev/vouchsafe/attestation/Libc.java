package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;

/**
 * The system calls that attestation makes.
 *
 * <p>All go through the C library's {@code syscall}: the linker takes milliseconds for each
 * function that it meets, so one is met at start and no more. Each returns what the kernel does: a
 * result, or the negative errno. Numbers and constants are those of x86-64 and arm64.
 *
 * <p>Addresses are passed as numbers. What they point to is part of a {@link Scratch}, or of an
 * arena that the caller closes after the call.
 */
final class Libc {
  static final int EPERM = 1;
  static final int ENOENT = 2;
  static final int ESRCH = 3;
  static final int EINTR = 4;
  static final int EAGAIN = 11;
  static final int EACCES = 13;
  static final int ENOTDIR = 20;
  static final int ERANGE = 34;
  static final int ENAMETOOLONG = 36;
  static final int ELOOP = 40;
  static final int ENOPROTOOPT = 92;

  private static final boolean ARM = System.getProperty("os.arch").equals("aarch64");

  static final int O_RDONLY = 0;
  static final int O_NONBLOCK = 0x800;
  static final int O_CLOEXEC = 0x80000;
  static final int O_PATH = 0x200000;
  static final int O_DIRECTORY = ARM ? 0x4000 : 0x10000;
  static final int O_NOFOLLOW = ARM ? 0x8000 : 0x20000;
  static final int AT_FDCWD = -100;
  static final int LOCK_EX_NB = 2 | 4;

  private static final long READ = ARM ? 63 : 0;
  private static final long CLOSE = ARM ? 57 : 3;
  private static final long PREAD = ARM ? 67 : 17;
  private static final long IOCTL = ARM ? 29 : 16;
  private static final long OPENAT = ARM ? 56 : 257;
  private static final long STATX = ARM ? 291 : 332;
  private static final long FSTATFS = ARM ? 44 : 138;
  private static final long READLINKAT = ARM ? 78 : 267;
  private static final long GETDENTS = ARM ? 61 : 217;
  private static final long GETSOCKOPT = ARM ? 209 : 55;
  private static final long SOCKET = ARM ? 198 : 41;
  private static final long SENDTO = ARM ? 206 : 44;
  private static final long SETSOCKOPT = ARM ? 208 : 54;
  private static final long RECVMSG = ARM ? 212 : 47;
  private static final long SOCKETPAIR = ARM ? 199 : 53;
  private static final long PPOLL = ARM ? 73 : 271;
  private static final long PIDFD_OPEN = 434;
  private static final long KCMP = ARM ? 272 : 312;
  private static final long INOTIFY_INIT = ARM ? 26 : 294;
  private static final long INOTIFY_ADD = ARM ? 27 : 254;
  private static final long FLOCK = ARM ? 32 : 73;
  private static final long FCNTL = ARM ? 25 : 72;
  private static final long FSYNC = ARM ? 82 : 74;
  private static final long UNLINKAT = ARM ? 35 : 263;
  private static final long CLOCK_GETTIME = ARM ? 113 : 228;
  private static final long GETEUID = ARM ? 175 : 107;
  private static final long GETPID = ARM ? 172 : 39;

  static final StructLayout CAPTURE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle SYSCALL =
      function(
          "syscall",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
          Linker.Option.firstVariadicArg(1));

  private Libc() {}

  static int open(Scratch s, MemorySegment path, int flags) {
    return openat(s, AT_FDCWD, path, flags);
  }

  static int openat(Scratch s, int folder, MemorySegment path, int flags) {
    return call(s, OPENAT, folder, path.address(), flags, 0, 0);
  }

  /** Never repeated: the descriptor is gone whatever close says. */
  static void close(Scratch s, int descriptor) {
    call(s, CLOSE, descriptor, 0, 0, 0, 0);
  }

  static int read(Scratch s, int descriptor, MemorySegment into, int length) {
    return call(s, READ, descriptor, into.address(), length, 0, 0);
  }

  static int pread(Scratch s, int descriptor, MemorySegment into, int length, long offset) {
    return call(s, PREAD, descriptor, into.address(), length, offset, 0);
  }

  /** Polls so many {@code struct pollfd} without waiting: {@code timespec} is all zeros. */
  static int pollNow(Scratch s, MemorySegment pollfds, int count, MemorySegment timespec) {
    return call(s, PPOLL, pollfds.address(), count, timespec.address(), 0, 0);
  }

  static int ioctl(Scratch s, int descriptor, long request, MemorySegment argument) {
    return call(s, IOCTL, descriptor, request, argument.address(), 0, 0);
  }

  /** A pidfd of the process that has this id now (Linux 5.3). */
  static int pidfdOpen(Scratch s, int pid) {
    return call(s, PIDFD_OPEN, pid, 0, 0, 0, 0);
  }

  static int statx(
      Scratch s, int folder, MemorySegment path, int flags, int mask, MemorySegment into) {
    return call(s, STATX, folder, path.address(), flags, mask, into.address());
  }

  static int fstatfs(Scratch s, int descriptor, MemorySegment into) {
    return call(s, FSTATFS, descriptor, into.address(), 0, 0, 0);
  }

  static int readlink(Scratch s, MemorySegment path, MemorySegment into, int length) {
    return readlinkat(s, AT_FDCWD, path, into, length);
  }

  static int readlinkat(Scratch s, int folder, MemorySegment path, MemorySegment into, int length) {
    return call(s, READLINKAT, folder, path.address(), into.address(), length, 0);
  }

  static int getdents(Scratch s, int folder, MemorySegment into, int length) {
    return call(s, GETDENTS, folder, into.address(), length, 0, 0);
  }

  static int getsockopt(
      Scratch s, int socket, int level, int option, MemorySegment value, MemorySegment length) {
    return call(s, GETSOCKOPT, socket, level, option, value.address(), length.address());
  }

  static int socket(Scratch s, int family, int type, int protocol) {
    return call(s, SOCKET, family, type | O_CLOEXEC, protocol, 0, 0);
  }

  /** To where a socket sends by default. */
  static int send(Scratch s, int socket, MemorySegment from, int length) {
    return call(s, SENDTO, socket, from.address(), length, 0, 0);
  }

  /** Whether two threads have one table of descriptors (kcmp(2)): 0 if they do. */
  static int kcmpFiles(Scratch s, int thread, int other) {
    int files = 2;
    return call(s, KCMP, thread, other, files, 0, 0);
  }

  static int setsockopt(
      Scratch s, int socket, int level, int option, MemorySegment value, int length) {
    return call(s, SETSOCKOPT, socket, level, option, value.address(), length);
  }

  static int recvmsg(Scratch s, int socket, MemorySegment msghdr, int flags) {
    return call(s, RECVMSG, socket, msghdr.address(), flags, 0, 0);
  }

  /** Two Unix sockets that are connected to each other: two ints. */
  static int socketpair(Scratch s, MemorySegment pair) {
    int unix = 1;
    int stream = 1;
    return call(s, SOCKETPAIR, unix, stream | O_CLOEXEC, 0, pair.address(), 0);
  }

  static int inotifyInit(Scratch s, int flags) {
    return call(s, INOTIFY_INIT, flags, 0, 0, 0, 0);
  }

  static int inotifyAddWatch(Scratch s, int inotify, MemorySegment path, int mask) {
    return call(s, INOTIFY_ADD, inotify, path.address(), mask, 0, 0);
  }

  static int flock(Scratch s, int descriptor, int operation) {
    return call(s, FLOCK, descriptor, operation, 0, 0, 0);
  }

  static int fcntl(Scratch s, int descriptor, int command, int value) {
    return call(s, FCNTL, descriptor, command, value, 0, 0);
  }

  static int fsync(Scratch s, int descriptor) {
    return call(s, FSYNC, descriptor, 0, 0, 0, 0);
  }

  static int unlinkat(Scratch s, int folder, MemorySegment name) {
    return call(s, UNLINKAT, folder, name.address(), 0, 0, 0);
  }

  static int clockRealtime(Scratch s, MemorySegment timespec) {
    return call(s, CLOCK_GETTIME, 0, timespec.address(), 0, 0, 0);
  }

  static long geteuid(Scratch s) {
    return Integer.toUnsignedLong(call(s, GETEUID, 0, 0, 0, 0, 0));
  }

  static int getpid(Scratch s) {
    return call(s, GETPID, 0, 0, 0, 0, 0);
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

  /** Any system call whose result is no longer than an int. */
  static int call(Scratch s, long number, long a, long b, long c, long d, long e) {
    try {
      long result = (long) SYSCALL.invokeExact(s.errno, number, a, b, c, d, e);
      return result == -1 ? -(int) ERRNO.get(s.errno, 0L) : (int) result;
    } catch (RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw new LinkageError("syscall can't be called", x);
    } finally {
      // What the addresses point to must outlive the call.
      Reference.reachabilityFence(s);
    }
  }

  /** A function of the C library; its first parameter is where errno is caught. */
  static MethodHandle function(String name, FunctionDescriptor shape, Linker.Option... options) {
    Linker.Option[] all = new Linker.Option[options.length + 1];
    all[0] = Linker.Option.captureCallState("errno");
    System.arraycopy(options, 0, all, 1, options.length);
    Linker linker = Linker.nativeLinker();
    MemorySegment address =
        linker
            .defaultLookup()
            .find(name)
            .orElseThrow(() -> new UnsatisfiedLinkError("the C library has no " + name));
    return linker.downcallHandle(address, shape, all);
  }
}
