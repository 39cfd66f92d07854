package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Finds the process of this machine that holds the other end of a TCP connection over loopback: the
 * kernel's table says which user made the socket, and only that user's processes are looked
 * through.
 */
final class ConnectionHolder {
  private static final int MOST_DESCRIPTORS = 200_000;
  private static final Duration PATIENCE = Duration.ofSeconds(1);
  private static final int LONGEST_LINK = 64;

  /**
   * Who it is.
   *
   * @param inode of its end of the connection
   */
  record Holder(int pid, long uid, long inode) {}

  private final Scratch s;
  private final InetDiag.Found socket;
  private final MemorySegment link;
  private final long start = System.nanoTime();
  private int seen;

  private ConnectionHolder(Scratch s, InetDiag.Found socket) {
    this.s = s;
    this.socket = socket;
    this.link =
        MemorySegment.ofArray(
            ("socket:[" + socket.inode() + "]").getBytes(StandardCharsets.US_ASCII));
  }

  /** What the kernel's table has of the other end. */
  static InetDiag.Found socket(Scratch s, InetSocketAddress own, InetSocketAddress other)
      throws CallerUnknownException {
    try {
      return InetDiag.find(s, other, own);
    } catch (SystemCallException e) {
      throw new CallerUnknownException(
          e.errno() == Libc.ENOENT
              ? "no process of this machine's network holds the other end of the connection"
              : "whose the connection is can't be looked up: "
                  + e.getMessage()
                  + "; the kernel needs inet_diag");
    }
  }

  /**
   * The one process that holds it.
   *
   * @throws CallerUnknownException if there is none, or more than one
   */
  static Holder find(Scratch s, InetSocketAddress own, InetSocketAddress other)
      throws CallerUnknownException {
    InetDiag.Found socket = socket(s, own, other);
    return new Holder(new ConnectionHolder(s, socket).pid(), socket.uid(), socket.inode());
  }

  /** Whether that process holds that socket now. */
  static boolean holds(Scratch s, int pid, long inode) throws CallerUnknownException {
    return new ConnectionHolder(s, new InetDiag.Found(0, inode)).isHeldBy(pid);
  }

  private int pid() throws CallerUnknownException {
    int found = 0;
    for (int pid : processes()) {
      if (ProcessOwner.mayBe(s, pid, socket.uid()) && isHeldBy(pid)) {
        if (found != 0) {
          throw new CallerUnknownException(
              "processes " + found + " and " + pid + " hold the connection together");
        }
        found = pid;
      }
    }
    if (found == 0) {
      throw new CallerUnknownException(
          "no process of uid " + socket.uid() + " that can be seen holds the connection");
    }
    return found;
  }

  private int[] processes() throws CallerUnknownException {
    try (NumberedFolder all = NumberedFolder.open(s, "/proc")) {
      return all.numbers();
    } catch (SystemCallException e) {
      throw new CallerUnknownException(e.getMessage());
    }
  }

  private boolean isHeldBy(int pid) throws CallerUnknownException {
    try (NumberedFolder table = NumberedFolder.open(s, "/proc/" + pid + "/fd")) {
      for (int descriptor : table.numbers()) {
        limit();
        if (isIt(table, descriptor)) {
          return true;
        }
      }
      return false;
    } catch (SystemCallException e) {
      if (e.errno() == Libc.ENOENT || e.errno() == Libc.ESRCH) {
        return false;
      }
      throw new CallerUnknownException(
          "what process "
              + pid
              + " holds can't be seen: "
              + e.getMessage()
              + "; for callers over loopback the service needs CAP_SYS_PTRACE and"
              + " CAP_DAC_READ_SEARCH");
    }
  }

  private void limit() throws CallerUnknownException {
    seen++;
    if (seen > MOST_DESCRIPTORS || System.nanoTime() - start > PATIENCE.toNanos()) {
      throw new CallerUnknownException(
          "looking for who holds the connection takes too long, after " + seen + " descriptors");
    }
  }

  private boolean isIt(NumberedFolder table, int descriptor) {
    int length =
        Libc.readlinkat(
            s, table.descriptor(), s.path(Integer.toString(descriptor)), s.buffer, LONGEST_LINK);
    return length == link.byteSize()
        && s.buffer.get(JAVA_BYTE, 0) == 's'
        && s.buffer.asSlice(0, length).mismatch(link) == -1;
  }
}
