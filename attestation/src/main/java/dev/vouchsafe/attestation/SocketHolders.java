package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Finds out who holds the caller's end of its connection: for a strict registration the caller
 * alone, and close-on-exec; for a caller over loopback the caller alone of its user's processes.
 *
 * <p>What that shows: the caller has executed nothing since it connected, since the kernel would
 * have closed its descriptor at that. Nobody else can set the flag for it afterwards. This part
 * rests on one process's own table and on no luck in time.
 *
 * <p>That nobody else holds it is looked for in the tables of all processes, one after the other,
 * those of the caller's user first: processes that pass the descriptor round while we look may be
 * missed, but none of them can be the one that connected, and executed the caller's program since.
 * Of other users' processes only so much is looked at that none of them can keep a module out by
 * holding many descriptors: one of those can have it only from the caller itself. A descriptor that
 * is under way in the queue of some socket is in no table; so where a process of the caller's user,
 * or our own end of the connection, has any waiting in a queue, it may be this one.
 */
final class SocketHolders {
  /**
   * How much is looked at.
   *
   * @param descriptors of all processes of the caller's user; past that it can't be told
   * @param patience how long these may take
   * @param ofStranger of each other process; what it has beyond is passed over
   * @param strangers how long those may take together; the rest is passed over
   */
  record Limits(int descriptors, Duration patience, int ofStranger, Duration strangers) {
    static final Limits DEFAULT =
        new Limits(200_000, Duration.ofSeconds(1), 2_000, Duration.ofMillis(100));
  }

  private static final byte[] SOCKET = "socket:[".getBytes(StandardCharsets.US_ASCII);
  private static final long CLOSE_ON_EXEC = 02000000;
  private static final int LONGEST_LINK = 64;
  private static final String RIGHT =
      " can't be seen; for strict registrations, and callers over loopback, the service needs"
          + " CAP_SYS_PTRACE and"
          + " CAP_DAC_READ_SEARCH";

  private final Limits limits;
  private final boolean seesOthers;

  /**
   * @param seesOthers whether we may see every process: without that right some may be hidden
   */
  SocketHolders(Limits limits, boolean seesOthers) {
    this.limits = limits;
    this.seesOthers = seesOthers;
  }

  /**
   * Looks. The caller has been entered.
   *
   * @param strictly whether also close-on-exec, and all of other users' processes, are asked for
   * @return null if the caller alone holds it
   */
  @Nullable Doubt doubt(Scratch s, ProcessCaller caller, boolean strictly) {
    try {
      SocketId own = caller.socket();
      if (own == null) {
        return Doubt.unavailable("measurement-denied", "it has no connection to look at");
      }
      long peer = caller.peerInode();
      if (peer == 0) {
        peer = UnixDiag.peer(s, own);
        caller.peerInode(peer);
      }
      return peer == 0
          ? Doubt.refused("caller-gone", "the other end of its connection is closed")
          : new Search(s, caller, own.inode(), peer, strictly).run();
    } catch (SystemCallException e) {
      return Doubt.unavailable(
          "measurement-denied",
          "who holds its socket can't be looked up: "
              + e.getMessage()
              + "; the kernel needs unix_diag, and the caller our network namespace");
    }
  }

  /** One search. */
  private final class Search {
    private final Scratch s;
    private final ProcessCaller caller;
    private final byte[] ownEnd;
    private final byte[] wanted;
    private final boolean strictly;
    private final long start = System.nanoTime();
    private long strangersStart;
    private int seen;
    private boolean held;
    private @Nullable Doubt denied;

    Search(Scratch s, ProcessCaller caller, long ownEnd, long wanted, boolean strictly) {
      this.s = s;
      this.caller = caller;
      this.ownEnd = link(ownEnd);
      this.wanted = link(wanted);
      this.strictly = strictly;
    }

    @Nullable Doubt run() throws SystemCallException {
      Doubt doubt = process(new Holder(caller.pid()));
      if (doubt != null || denied != null) {
        return doubt != null ? doubt : denied;
      }
      if (!held) {
        return Doubt.refused("socket-shared", "it doesn't hold its socket itself");
      }
      if (!seesOthers) {
        return Doubt.unavailable("measurement-denied", "who else holds its socket" + RIGHT);
      }
      int[] pids;
      try (NumberedFolder all = NumberedFolder.open(s, "/proc")) {
        pids = all.numbers();
      }
      List<Holder> strangers = new ArrayList<>();
      for (int i = 0; i < pids.length && doubt == null; i++) {
        if (pids[i] != caller.pid()) {
          Holder holder = new Holder(pids[i]);
          if (holder.ofCallersUser()) {
            doubt = process(holder);
          } else if (strictly) {
            strangers.add(holder);
          }
        }
      }
      strangersStart = System.nanoTime();
      for (int i = 0; i < strangers.size() && doubt == null && !enoughOfStrangers(); i++) {
        doubt = process(strangers.get(i));
      }
      return doubt != null ? doubt : denied;
    }

    private boolean enoughOfStrangers() {
      return System.nanoTime() - strangersStart > limits.strangers.toNanos();
    }

    /** All threads of a process; most have one table together. */
    private @Nullable Doubt process(Holder process) {
      int pid = process.pid;
      int[] threads;
      try (NumberedFolder tasks = NumberedFolder.open(s, "/proc/" + pid + "/task")) {
        threads = tasks.numbers();
      } catch (SystemCallException e) {
        return unread(pid, e);
      }
      process.seen = 0;
      for (int thread : threads) {
        if (thread == pid || Libc.kcmpFiles(s, pid, thread) != 0) {
          Doubt doubt = table(process, thread);
          if (doubt != null) {
            return doubt;
          }
        }
      }
      return null;
    }

    private @Nullable Doubt table(Holder process, int thread) {
      String task = "/proc/" + process.pid + "/task/" + thread;
      try (NumberedFolder table = NumberedFolder.open(s, task + "/fd")) {
        for (int descriptor : table.numbers()) {
          if (!process.ofCallersUser()
              && (++process.seen > limits.ofStranger || enoughOfStrangers())) {
            return null;
          }
          Doubt doubt = process.ofCallersUser() ? limit() : null;
          if (doubt == null && isSocket(table, descriptor)) {
            doubt = socket(process, task + "/fdinfo/" + descriptor);
          }
          if (doubt != null) {
            return doubt;
          }
        }
        return null;
      } catch (SystemCallException e) {
        return unread(process.pid, e);
      }
    }

    private @Nullable Doubt limit() {
      seen++;
      if (seen <= limits.descriptors && System.nanoTime() - start <= limits.patience.toNanos()) {
        return null;
      }
      return Doubt.unavailable(
          "measurement-timeout",
          "looking for who holds its socket takes too long, after " + seen + " descriptors");
    }

    /** Leaves what the descriptor leads to in the buffer. */
    private boolean isSocket(NumberedFolder table, int descriptor) {
      int length =
          Libc.readlinkat(
              s, table.descriptor(), s.path(Integer.toString(descriptor)), s.buffer, LONGEST_LINK);
      if (length < 0 || length == LONGEST_LINK) {
        return false;
      }
      s.buffer.set(JAVA_BYTE, length, (byte) 0);
      return starts(SOCKET);
    }

    private boolean starts(byte[] text) {
      return s.buffer.asSlice(0, text.length).mismatch(MemorySegment.ofArray(text)) == -1;
    }

    private @Nullable Doubt socket(Holder process, String info) throws SystemCallException {
      boolean callersEnd = starts(wanted);
      boolean ours = starts(ownEnd);
      boolean own = process.pid == caller.pid();
      if (callersEnd && !own) {
        return Doubt.refused(
            "socket-shared", "process " + process.pid + " holds its socket as well");
      }
      if (!strictly) {
        held |= callersEnd;
        return null;
      }
      if (!callersEnd && !ours && !process.ofCallersUser()) {
        return null;
      }
      byte[] text = content(info);
      if (callersEnd && text != null) {
        held = true;
        OptionalLong flags = ProcText.number(text, "flags:", 8);
        if (flags.isEmpty() || (flags.getAsLong() & CLOSE_ON_EXEC) == 0) {
          return Doubt.refused(
              "socket-not-cloexec",
              "it holds its socket without close-on-exec, so that an exec before accept can't be"
                  + " ruled out; the JDK opens sockets so");
        }
      }
      // Only a socket of Unix has a queue of descriptors, and says so.
      return text == null ? null : underWay(process, text, callersEnd && !caller.isOfLoopback());
    }

    private @Nullable Doubt underWay(Holder process, byte[] info, boolean mustSay) {
      OptionalLong waiting = ProcText.number(info, "scm_fds:", 10);
      if (waiting.isEmpty() && mustSay) {
        return Doubt.unavailable(
            "measurement-denied",
            "this kernel doesn't say what descriptors are under way (Linux 5.6)");
      }
      return waiting.orElse(0) == 0
          ? null
          : Doubt.refused(
              "socket-shared",
              waiting.getAsLong()
                  + " descriptors wait in a socket of process "
                  + process.pid
                  + ", and its socket may be one of them");
    }

    /** Null if it is closed meanwhile. */
    private byte @Nullable [] content(String path) throws SystemCallException {
      int file = Libc.open(s, s.path(path), Libc.O_RDONLY | Libc.O_CLOEXEC);
      if (file == -Libc.ENOENT || file == -Libc.ESRCH) {
        return null;
      }
      if (file < 0) {
        throw new SystemCallException(path, -file);
      }
      int length = Libc.pread(s, file, s.buffer, Scratch.BUFFER_BYTES, 0);
      byte[] text = length < 0 ? null : s.bytes(length);
      Libc.close(s, file);
      return text;
    }

    /** A definite no of another process still counts more than that this one can't be read. */
    private @Nullable Doubt unread(int pid, SystemCallException e) {
      if (e.errno() != Libc.ENOENT && e.errno() != Libc.ESRCH) {
        denied =
            Doubt.unavailable(
                "measurement-denied",
                "what descriptors are held by process " + pid + ": " + e.getMessage() + RIGHT);
      }
      return null;
    }

    private static byte[] link(long inode) {
      return ("socket:[" + inode + "]").getBytes(StandardCharsets.US_ASCII);
    }

    /** One process, and whose it is once that was asked for. */
    private final class Holder {
      private final int pid;
      private @Nullable Boolean callersUser;
      private int seen;

      Holder(int pid) {
        this.pid = pid;
      }

      boolean ofCallersUser() {
        Boolean known = callersUser;
        if (known == null) {
          known = pid == caller.pid() || ProcessOwner.mayBe(s, pid, caller.uid());
          callersUser = known;
        }
        return known;
      }
    }
  }
}
