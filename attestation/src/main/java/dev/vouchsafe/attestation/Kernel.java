package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What this kernel tells about processes. Tests put one in its place that knows less, as older
 * kernels do.
 *
 * <p>Results in {@link Scratch#buffer} and a negative errno where nothing else is said.
 */
class Kernel {
  private static final int SOL_SOCKET = 1;
  private static final int SO_PASSCRED = 16;
  private static final int SO_PEERCRED = 17;
  private static final int SO_COOKIE = 57;
  private static final int SO_PEERGROUPS = 59;
  private static final int SO_PEERPIDFD = 77;

  /** {@code _IOWR(0xFF, 11, struct pidfd_info)}, the structure of 64 octets (Linux 6.13). */
  private static final long PIDFD_GET_INFO = 0xC040FF0BL;

  private static final long PIDFD_INFO_CREDS = 1L << 1;
  private static final short POLLIN = 1;
  private static final int POLLFD_BYTES = 8;
  private static final int TIMESPEC_BYTES = 16;

  /** So many processes can be asked after at once, and far more. */
  static final int MOST_ASKED = 1024;

  private static final long PF_RANDOMIZE = 0x00400000;

  /** Process id, user id and group id of the other end at connect: three ints in the buffer. */
  int peerCredentials(Scratch s, int socket) {
    return option(s, socket, SO_PEERCRED, 3 * Integer.BYTES);
  }

  /** The supplementary groups of the other end at connect; returns their length in octets. */
  int peerGroups(Scratch s, int socket) {
    int result = option(s, socket, SO_PEERGROUPS, Scratch.BUFFER_BYTES - Integer.BYTES);
    return result < 0 ? result : s.buffer.get(JAVA_INT, LENGTH_OFFSET);
  }

  /**
   * Has the kernel name the writer of whatever is read from a socket, and of whatever is sent to a
   * listening one's connections from now on, also before they are accepted. 0 if it does.
   */
  int passCredentials(Scratch s, int socket) {
    s.buffer.set(JAVA_INT, 0, 1);
    return Libc.setsockopt(s, socket, SOL_SOCKET, SO_PASSCRED, s.buffer, Integer.BYTES);
  }

  /** A pidfd of the process that connected (Linux 6.5). */
  int peerPidfd(Scratch s, int socket) {
    int result = option(s, socket, SO_PEERPIDFD, Integer.BYTES);
    return result < 0 ? result : s.buffer.get(JAVA_INT, 0);
  }

  /** A pidfd of the process that has that id now. */
  int pidfdOpen(Scratch s, int pid) {
    return Libc.pidfdOpen(s, pid);
  }

  /** Which socket that is, for as long as the machine runs. */
  SocketId socketId(Scratch s, int socket) throws SystemCallException {
    long inode = FileFacts.of(s, socket).inode();
    int result = option(s, socket, SO_COOKIE, Long.BYTES);
    if (result < 0) {
      throw new SystemCallException("SO_COOKIE", -result);
    }
    return new SocketId(inode, s.buffer.get(JAVA_LONG, 0));
  }

  /** The ids of a process by its pidfd, or null if this kernel can't say (Linux 6.13). */
  @Nullable Credentials credentials(Scratch s, int pidfd) {
    s.buffer.asSlice(0, 64).fill((byte) 0);
    s.buffer.set(JAVA_LONG, 0, PIDFD_INFO_CREDS);
    if (Libc.ioctl(s, pidfd, PIDFD_GET_INFO, s.buffer) < 0
        || (s.buffer.get(JAVA_LONG, 0) & PIDFD_INFO_CREDS) == 0) {
      return null;
    }
    return new Credentials(
        id(s, 28), id(s, 36), id(s, 44), id(s, 52), id(s, 32), id(s, 40), id(s, 48), id(s, 56));
  }

  /**
   * How many of these processes have ended, or a negative errno, but never EINTR.
   *
   * @param pidfds at most {@link #MOST_ASKED}
   */
  int ended(Scratch s, int... pidfds) {
    int result;
    do {
      result = poll(s, pidfds);
    } while (result == -Libc.EINTR);
    return result;
  }

  /** How many of these processes have ended, or a negative errno; EINTR, it may be. */
  int poll(Scratch s, int... pidfds) {
    for (int i = 0; i < pidfds.length; i++) {
      long at = (long) POLLFD_BYTES * i;
      s.buffer.set(JAVA_INT, at, pidfds[i]);
      s.buffer.set(JAVA_SHORT, at + 4, POLLIN);
      s.buffer.set(JAVA_SHORT, at + 6, (short) 0);
    }
    long after = (long) POLLFD_BYTES * pidfds.length;
    MemorySegment noTime = s.buffer.asSlice(after, TIMESPEC_BYTES).fill((byte) 0);
    return Libc.pollNow(s, s.buffer, pidfds.length, noTime);
  }

  /** Looks at the executable that a process runs. Never waits for a file system of a user's own. */
  FileFacts executable(Scratch s, int pid) throws SystemCallException {
    return file(s, "/proc/" + pid + "/exe");
  }

  /**
   * Whether the kernel put the program that a process runs at addresses of chance: what it did at
   * the last exec, which no process can change afterwards. False if that can't be read.
   */
  boolean randomized(Scratch s, int pid) {
    // Of the first thread only: that of the process sums up all threads, as many as it likes.
    byte[] stat = Looks.readAll(this, s, pid, "task/" + pid + "/stat");
    return stat != null && (ProcText.flags(stat) & PF_RANDOMIZE) != 0;
  }

  /** Looks at the root directory of a process. */
  FileFacts root(Scratch s, int pid) throws SystemCallException {
    return file(s, "/proc/" + pid + "/root");
  }

  /** Looks at a file in our own mount namespace, through symbolic links. */
  static FileFacts file(Scratch s, String path) throws SystemCallException {
    return file(s, path, 0);
  }

  /**
   * Looks at a file in our own mount namespace.
   *
   * @param flags {@link FileFacts#AT_SYMLINK_NOFOLLOW} or 0
   */
  static FileFacts file(Scratch s, String path, int flags) throws SystemCallException {
    if (!Scratch.isPath(path)) {
      throw new SystemCallException("statx", Libc.ENAMETOOLONG);
    }
    return FileFacts.check(
        Libc.statx(
            s,
            Libc.AT_FDCWD,
            s.path(path),
            flags | FileFacts.AT_STATX_DONT_SYNC,
            FileFacts.BASIC,
            s.buffer),
        "statx",
        s.buffer);
  }

  /** The clock that file systems take their times from, in nanoseconds since 1970. */
  long now(Scratch s) {
    int result = Libc.clockRealtime(s, s.buffer);
    if (result < 0) {
      throw new IllegalStateException("clock_gettime: " + Libc.name(-result));
    }
    return s.buffer.get(JAVA_LONG, 0) * 1_000_000_000L + s.buffer.get(JAVA_LONG, 8);
  }

  /** Opens a file of a process in /proc, for reading. */
  int open(Scratch s, int pid, String file) {
    return Libc.open(s, s.path("/proc/" + pid + "/" + file), Libc.O_RDONLY | Libc.O_CLOEXEC);
  }

  /** A descriptor that names a file of a process without opening it. */
  int openPath(Scratch s, int pid, String file) {
    return Libc.open(s, s.path("/proc/" + pid + "/" + file), Libc.O_PATH | Libc.O_CLOEXEC);
  }

  /** What a link in a process's folder of /proc says; returns its length. */
  int readlink(Scratch s, int pid, String link) {
    return Libc.readlink(s, s.path("/proc/" + pid + "/" + link), s.buffer, Scratch.BUFFER_BYTES);
  }

  private static final long LENGTH_OFFSET = Scratch.BUFFER_BYTES - Integer.BYTES;

  private static int option(Scratch s, int socket, int option, int length) {
    s.buffer.set(JAVA_INT, LENGTH_OFFSET, length);
    return Libc.getsockopt(
        s, socket, SOL_SOCKET, option, s.buffer, s.buffer.asSlice(LENGTH_OFFSET, Integer.BYTES));
  }

  private static long id(Scratch s, long offset) {
    return Integer.toUnsignedLong(s.buffer.get(JAVA_INT, offset));
  }
}
