package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The three looks at a process.
 *
 * <p>Why these readings are of one process: the pidfd is bound to the process that connected (or,
 * before Linux 6.5, to the one that had its id at accept). As long as it says that the process has
 * not ended, the process id is still its own, so what was read under {@code /proc/PID} before that
 * was its own too. Hence the pidfd is asked last in every look, and the start time, which others
 * compare, would add nothing.
 *
 * <p>{@code /proc/PID/maps} is bound to the address space that the process had when it was opened:
 * it reads empty once an exec has put another in its place, even of the same executable. It is kept
 * for that, and its first line is all that is asked for.
 *
 * <p>Unless another process shares that address space (CLONE_VM, vfork): then it reads on. So
 * before something is issued, and where more than user and executable was measured, {@code
 * /proc/PID/auxv} is read anew as well. In it the kernel says where it put the program, its
 * interpreter, its stack and the vdso, at random for each exec.
 */
final class Looks {
  private final Kernel kernel;
  private final ScratchPool pool;

  Looks(Kernel kernel, ScratchPool pool) {
    this.kernel = kernel;
    this.pool = pool;
  }

  /** The first look. */
  ProcessCaller first(Scratch s, int socket) throws CallerUnknownException {
    check("SO_PEERCRED", kernel.peerCredentials(s, socket));
    int pid = s.buffer.get(JAVA_INT, 0);
    long uid = Integer.toUnsignedLong(s.buffer.get(JAVA_INT, 4));
    long gid = Integer.toUnsignedLong(s.buffer.get(JAVA_INT, 8));
    if (pid <= 0) {
      throw new CallerUnknownException(
          "the caller has no process id here: it is in a pid namespace that can't be seen from"
              + " this one");
    }
    int pidfd = pidfd(s, socket, pid);
    return held(
        s,
        pidfd,
        () ->
            new Connection(
                new ProcessCaller.Peer(pid, uid, gid, groups(s, socket, pid)),
                socketId(s, socket),
                0));
  }

  /** The first look at one that connected by TCP over loopback. */
  ProcessCaller first(Scratch s, int socket, InetSocketAddress own, InetSocketAddress other)
      throws CallerUnknownException {
    ConnectionHolder.Holder holder = ConnectionHolder.find(s, own, other);
    int pidfd = kernel.pidfdOpen(s, holder.pid());
    if (pidfd < 0) {
      throw new CallerUnknownException("the process that connected has ended");
    }
    return held(
        s,
        pidfd,
        () -> {
          // Held now by the process that the pidfd is bound to, which may not be the one seen
          // above.
          if (!ConnectionHolder.holds(s, holder.pid(), holder.inode())
              || ConnectionHolder.socket(s, own, other).inode() != holder.inode()) {
            throw new CallerUnknownException("the connection changed hands while it was looked at");
          }
          ProcessCaller.Peer peer = peer(s, holder.pid(), pidfd);
          if (peer.uid() != holder.uid()) {
            throw new CallerUnknownException(
                "process "
                    + holder.pid()
                    + " has uid "
                    + peer.uid()
                    + " and a connection that uid "
                    + holder.uid()
                    + " made");
          }
          return new Connection(peer, socketId(s, socket), holder.inode());
        });
  }

  /** A process that is held as a caller would be, without a connection; for explanations. */
  ProcessCaller process(Scratch s, int pid) throws CallerUnknownException {
    int pidfd = pid <= 0 ? -Libc.ESRCH : kernel.pidfdOpen(s, pid);
    if (pidfd < 0) {
      throw new CallerUnknownException("there is no process " + pid);
    }
    return held(s, pidfd, () -> new Connection(peer(s, pid, pidfd), null, 0));
  }

  /** What a process says of itself, where no connection does. */
  private ProcessCaller.Peer peer(Scratch s, int pid, int pidfd) throws CallerUnknownException {
    Credentials now = credentials(s, pid, pidfd);
    byte[] status = readAll(kernel, s, pid, "status");
    if (now == null || status == null) {
      throw new CallerUnknownException("process " + pid + " can't be looked at");
    }
    return new ProcessCaller.Peer(
        pid, now.effectiveUid(), now.effectiveGid(), ProcText.groups(status).orElse(null));
  }

  /**
   * Who is at the other end of what.
   *
   * @param loopback the inode of the other end of a TCP connection; 0 if it is none
   */
  private record Connection(ProcessCaller.Peer peer, @Nullable SocketId socket, long loopback) {}

  /** Finds that out. */
  private interface Finder {
    Connection find() throws CallerUnknownException;
  }

  /** Opens what stays bound to the process of a pidfd, and sees it for the first time. */
  private ProcessCaller held(Scratch s, int pidfd, Finder finder) throws CallerUnknownException {
    int cgroup = -1;
    int maps = -1;
    boolean done = false;
    try {
      Connection connection = finder.find();
      int pid = connection.peer().pid();
      // First, so that an exec in between shows as one since then.
      MemorySegment image = image(s, pid);
      cgroup = kernel.open(s, pid, "cgroup");
      maps = kernel.open(s, pid, "maps");
      ProcessCaller.State state = state(s, pid, pidfd, cgroup, image);
      refuseEnded(s, pidfd);
      if (maps < 0 && state.executable() != null) {
        throw new CallerUnknownException("/proc/" + pid + "/maps: " + Libc.name(-maps));
      }
      if (image == null && state.executable() != null) {
        throw new CallerUnknownException("/proc/" + pid + "/auxv can't be read");
      }
      ProcessCaller caller =
          new ProcessCaller(
              connection.peer(),
              new ProcessCaller.Descriptors(pidfd, cgroup, maps),
              state,
              connection.socket(),
              connection.loopback(),
              pool);
      done = true;
      return caller;
    } finally {
      if (!done) {
        closeIfOpen(s, pidfd);
        closeIfOpen(s, cgroup);
        closeIfOpen(s, maps);
      }
    }
  }

  private SocketId socketId(Scratch s, int socket) throws CallerUnknownException {
    try {
      return kernel.socketId(s, socket);
    } catch (SystemCallException e) {
      throw new CallerUnknownException("its connection: " + e.getMessage());
    }
  }

  private int pidfd(Scratch s, int socket, int pid) throws CallerUnknownException {
    int pidfd = kernel.peerPidfd(s, socket);
    if (pidfd == -Libc.ENOPROTOOPT) {
      pidfd = kernel.pidfdOpen(s, pid);
    }
    if (pidfd < 0) {
      // A process that was reaped already has no pidfd any more: ESRCH or EINVAL, by kernel.
      throw new CallerUnknownException("the caller can't be held: " + Libc.name(-pidfd));
    }
    return pidfd;
  }

  private @Nullable List<Long> groups(Scratch s, int socket, int pid) {
    int length = kernel.peerGroups(s, socket);
    if (length == -Libc.ENOPROTOOPT) {
      byte[] status = readAll(kernel, s, pid, "status");
      return status == null ? null : ProcText.groups(status).orElse(null);
    }
    if (length < 0) {
      return null;
    }
    List<Long> groups = new ArrayList<>();
    for (int i = 0; i < length / Integer.BYTES; i++) {
      groups.add(Integer.toUnsignedLong(s.buffer.getAtIndex(JAVA_INT, i)));
    }
    return groups;
  }

  private @Nullable MemorySegment image(Scratch s, int pid) {
    byte[] vector = readAll(kernel, s, pid, "auxv");
    return vector == null || vector.length == 0 ? null : MemorySegment.ofArray(vector);
  }

  private ProcessCaller.State state(
      Scratch s, int pid, int pidfd, int cgroup, @Nullable MemorySegment image)
      throws CallerUnknownException {
    FileFacts executable = null;
    try {
      executable = kernel.executable(s, pid);
    } catch (SystemCallException e) {
      if (!denied(e.errno())) {
        refuseEnded(s, pidfd);
        throw new CallerUnknownException("/proc/" + pid + "/exe: " + e.getMessage());
      }
    }
    Credentials credentials = credentials(s, pid, pidfd);
    int length = cgroup < 0 ? cgroup : Libc.pread(s, cgroup, s.buffer, Scratch.BUFFER_BYTES, 0);
    if (credentials == null || length < 0 || length == Scratch.BUFFER_BYTES) {
      refuseEnded(s, pidfd);
      throw new CallerUnknownException(
          "/proc/"
              + pid
              + " can't be read, though the process is alive; is /proc mounted with"
              + " hidepid?");
    }
    return new ProcessCaller.State(
        credentials, executable, MemorySegment.ofArray(s.bytes(length)), image);
  }

  private void refuseEnded(Scratch s, int pidfd) throws CallerUnknownException {
    int ended = kernel.ended(s, pidfd);
    if (ended != 0) {
      throw new CallerUnknownException(
          ended > 0
              ? "the process that connected has ended"
              : "whether it has ended can't be told: " + Libc.name(-ended));
    }
  }

  /**
   * Whether another connection's caller, which was measured a moment ago and found attested, was
   * this one's process, in the state that this one was first seen in; if {@link #alive} says
   * afterwards that this one lives. The caller has been entered.
   *
   * <p>Two processes that are alive at one time have two ids. The other one was alive at the end of
   * its measurement; this one was alive before that, when it was accepted, and is alive after it.
   * So they are one process, and what was measured was this one's too. That both were first seen
   * with one image says that nothing was executed between those looks; after them it is as in
   * {@link #compare}, and {@link #executed} where that was asked of the other.
   *
   * <p>If this one's {@code maps} reads on after the other's did, nothing was executed since either
   * was opened: they are bound to one address space. Whether it still is the process's own is then
   * asked of one of them only.
   */
  boolean same(Scratch s, ProcessCaller caller, ProcessCaller attested) {
    if (caller.sharesMemory(attested)) {
      return true;
    }
    if (!caller.peer().equals(attested.peer()) || !caller.first().same(attested.first())) {
      return false;
    }
    int maps = caller.descriptors().maps();
    if (maps < 0 || Libc.pread(s, maps, s.buffer, ProcessCaller.MAPS_PROBE, 0) <= 0) {
      return false;
    }
    caller.shareMemory(attested);
    return true;
  }

  /** Whether all of them live, for sure; not more than {@link Kernel#MOST_ASKED}. */
  boolean alive(Scratch s, List<ProcessCaller> callers) {
    int[] pidfds = new int[callers.size()];
    for (int i = 0; i < pidfds.length; i++) {
      pidfds[i] = callers.get(i).descriptors().pidfd();
    }
    return kernel.ended(s, pidfds) == 0;
  }

  /** The path of the executable, as the kernel names it, into the buffer; returns its length. */
  int executablePath(Scratch s, ProcessCaller caller) {
    return kernel.readlink(s, caller.pid(), "exe");
  }

  /**
   * Asked last: only now is it sure that what was read was the same process's.
   *
   * @return null if it is alive
   */
  @Nullable Doubt ended(Scratch s, ProcessCaller caller) {
    int ended = kernel.ended(s, caller.descriptors().pidfd());
    if (ended < 0) {
      return Doubt.unavailable(
          "measurement-denied", "whether it has ended can't be told: " + Libc.name(-ended));
    }
    return ended == 0
        ? null
        : Doubt.refused("caller-gone", "process " + caller.pid() + " has ended");
  }

  /**
   * Compares with the first look, for one who asks {@link #ended} afterwards.
   *
   * @return null if all is as it was
   */
  @Nullable Doubt compare(Scratch s, ProcessCaller caller) {
    s.mapped = false;
    ProcessCaller.State first = caller.first();
    Credentials now = credentials(s, caller.pid(), caller.descriptors().pidfd());
    if (now == null) {
      return Doubt.unavailable("measurement-denied", "its credentials can't be read");
    }
    if (!now.equals(first.credentials())) {
      return changed("its user or group ids changed from " + first.credentials() + " to " + now);
    }
    if (!now.allUids(caller.uid())) {
      return changed("it connected as uid " + caller.uid() + " and has " + now.uids());
    }
    int length = Libc.pread(s, caller.descriptors().cgroup(), s.buffer, Scratch.BUFFER_BYTES, 0);
    if (length != first.cgroup().byteSize() || !sameBytes(s, first.cgroup())) {
      return changed("its cgroup changed");
    }
    return first.executable() == null ? null : compareProgram(s, caller, first.executable());
  }

  private @Nullable Doubt compareProgram(Scratch s, ProcessCaller caller, FileFacts first) {
    try {
      if (!kernel.executable(s, caller.pid()).sameFile(first)) {
        return changed("it runs another executable than when it connected");
      }
    } catch (SystemCallException e) {
      return denied(e.errno())
          ? denied("its executable can't be seen any more: " + e.getMessage())
          : changed("its executable is gone: " + e.getMessage());
    }
    int most = caller.mapsBytes();
    int length = Libc.pread(s, caller.descriptors().maps(), s.buffer, most, 0);
    if (length <= 0) {
      return changed("it has executed a program since it connected");
    }
    s.mapped = most > ProcessCaller.MAPS_PROBE && Mappings.end(s, length, first) > 0;
    return null;
  }

  /**
   * Whether the process has executed a program since the first look, also one that keeps its old
   * address space alive in another process. For one who has compared, and asks {@link #ended}
   * afterwards.
   *
   * @return null if it has not
   */
  @Nullable Doubt executed(Scratch s, ProcessCaller caller) {
    MemorySegment first = caller.first().image();
    if (first == null) {
      // Nor could its executable be seen, so nothing was said of a program.
      return null;
    }
    MemorySegment now = image(s, caller.pid());
    if (now == null) {
      return Doubt.unavailable(
          "measurement-denied", "whether it has executed a program can't be told");
    }
    return first.mismatch(now) == -1
        ? null
        : changed("it has executed a program since it connected");
  }

  /**
   * Whether another process traces the caller: it could put any words into its mouth. Seen while it
   * lasts only, and of the process's first thread only, since one that attaches, acts and detaches
   * can't be seen at all.
   *
   * @return null if nobody does
   */
  @Nullable Doubt traced(Scratch s, ProcessCaller caller) {
    byte[] status = readAll(kernel, s, caller.pid(), "status");
    OptionalLong tracer =
        status == null ? OptionalLong.empty() : ProcText.number(status, "TracerPid:", 10);
    if (tracer.isEmpty()) {
      return Doubt.unavailable("measurement-denied", "whether it is traced can't be read");
    }
    return tracer.getAsLong() == 0
        ? null
        : Doubt.refused("traced", "process " + tracer.getAsLong() + " traces it");
  }

  private static boolean sameBytes(Scratch s, MemorySegment expected) {
    return s.buffer.asSlice(0, expected.byteSize()).mismatch(expected) == -1;
  }

  /** Why somebody whose executable we may not see can't be attested. */
  static Doubt denied(String detail) {
    return Doubt.unavailable(
        "measurement-denied",
        detail + "; the service needs CAP_SYS_PTRACE to measure other users' processes");
  }

  private static Doubt changed(String detail) {
    return Doubt.refused("caller-changed", detail);
  }

  static boolean denied(int errno) {
    return errno == Libc.EACCES || errno == Libc.EPERM;
  }

  private @Nullable Credentials credentials(Scratch s, int pid, int pidfd) {
    Credentials credentials = kernel.credentials(s, pidfd);
    if (credentials != null) {
      return credentials;
    }
    byte[] status = readAll(kernel, s, pid, "status");
    return status == null ? null : ProcText.credentials(status).orElse(null);
  }

  /** A short file of a process, or null if it can't be read. */
  static byte @Nullable [] readAll(Kernel kernel, Scratch s, int pid, String file) {
    int descriptor = kernel.open(s, pid, file);
    if (descriptor < 0) {
      return null;
    }
    int length = Libc.pread(s, descriptor, s.buffer, Scratch.BUFFER_BYTES, 0);
    byte[] content = length < 0 ? null : s.bytes(length);
    Libc.close(s, descriptor);
    return content;
  }

  private static void check(String call, int result) throws CallerUnknownException {
    if (result < 0) {
      throw new CallerUnknownException(call + ": " + Libc.name(-result));
    }
  }

  private static void closeIfOpen(Scratch s, int descriptor) {
    if (descriptor >= 0) {
      Libc.close(s, descriptor);
    }
  }
}
