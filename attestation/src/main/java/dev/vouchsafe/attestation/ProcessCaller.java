package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A caller as it was at the first look, with the descriptors that stay bound to it.
 *
 * <p>Invariant: its descriptors are used only between {@link #enter} and {@link #leave}, and are
 * closed when it is closed and nobody is in between, since a closed number may belong to something
 * else the next moment. Closing never waits.
 */
final class ProcessCaller implements Caller {
  /**
   * What the connection alone says.
   *
   * @param groups the supplementary groups at connect; null if this kernel can't say
   */
  record Peer(int pid, long uid, long gid, @Nullable List<Long> groups) {}

  /**
   * Descriptors bound to the process.
   *
   * @param pidfd tells when it has ended
   * @param cgroup its {@code /proc/PID/cgroup}
   * @param maps its {@code /proc/PID/maps}, which shows nothing more after an exec, unless another
   *     process shares that memory; -1 if denied
   */
  record Descriptors(int pidfd, int cgroup, int maps) {}

  /**
   * What the process was at the first look.
   *
   * @param executable null if we may not see it
   * @param cgroup the text of {@code /proc/PID/cgroup}
   * @param image what the kernel told the program that it runs ({@code /proc/PID/auxv}), which
   *     tells one exec from the next; null if we may not see it
   */
  record State(
      Credentials credentials,
      @Nullable FileFacts executable,
      MemorySegment cgroup,
      @Nullable MemorySegment image) {
    boolean same(State other) {
      return credentials.equals(other.credentials)
          && executable != null
          && other.executable != null
          && executable.sameFile(other.executable)
          && image != null
          && other.image != null
          && image.mismatch(other.image) == -1
          && cgroup.mismatch(other.cgroup) == -1;
    }
  }

  /** Something that is looked at once a connection; {@code doubt} is null if all is well. */
  record Once(@Nullable Doubt doubt) {}

  /** Enough of {@code maps} to see that it isn't empty. */
  static final int MAPS_PROBE = 64;

  /**
   * How long it holds that nobody traces it, for what issues nothing: reading that takes 10 us, as
   * much as all the rest of such a look.
   */
  private static final long TRACER_NANOS = 1_000_000_000L;

  private static final int CLOSED = Integer.MIN_VALUE;

  private final Peer peer;
  private final Descriptors descriptors;
  private final State first;
  private final @Nullable SocketId socket;
  private final boolean ofLoopback;
  private final ScratchPool pool;

  /** How many are inside; the sign bit says that it is closed. */
  private final AtomicInteger inside = new AtomicInteger();

  /** Stands for the address space that {@code maps} is bound to; several may have found theirs. */
  private volatile Object memory = new Object();

  private volatile @Nullable String cgroup;
  private volatile @Nullable Once host;
  private volatile @Nullable Once unit;
  private volatile @Nullable Once fileSystem;
  private volatile int mapsBytes = MAPS_PROBE;
  private volatile long peerInode;
  private volatile long untracedAt = System.nanoTime() - TRACER_NANOS;

  /** One that is at the other end of a Unix socket, or of no connection. */
  ProcessCaller(
      Peer peer,
      Descriptors descriptors,
      State first,
      @Nullable SocketId socket,
      ScratchPool pool) {
    this(peer, descriptors, first, socket, 0, pool);
  }

  /**
   * @param socket our end of its connection; null if it is no connection that is looked at
   * @param loopback the inode of its own end, if that is a TCP connection over loopback; else 0
   */
  ProcessCaller(
      Peer peer,
      Descriptors descriptors,
      State first,
      @Nullable SocketId socket,
      long loopback,
      ScratchPool pool) {
    this.peer = peer;
    this.descriptors = descriptors;
    this.first = first;
    this.socket = socket;
    this.ofLoopback = loopback != 0;
    this.peerInode = loopback;
    this.pool = pool;
  }

  @Override
  public int pid() {
    return peer.pid();
  }

  @Override
  public long uid() {
    return peer.uid();
  }

  @Override
  public long gid() {
    return peer.gid();
  }

  @Override
  public String cgroup() {
    String text = cgroup;
    if (text == null) {
      text = new String(first.cgroup().toArray(JAVA_BYTE), StandardCharsets.ISO_8859_1);
      cgroup = text;
    }
    return text;
  }

  Peer peer() {
    return peer;
  }

  State first() {
    return first;
  }

  /** Only between {@link #enter} and {@link #leave}. */
  Descriptors descriptors() {
    return descriptors;
  }

  /** Our end of its connection, if there is one. */
  @Nullable SocketId socket() {
    return socket;
  }

  /** Whether its connection is one of TCP, of which no message names its writer. */
  boolean isOfLoopback() {
    return ofLoopback;
  }

  /** The inode of its own end, which stays the same, once that was asked for; 0 before. */
  long peerInode() {
    return peerInode;
  }

  void peerInode(long found) {
    peerInode = found;
  }

  /**
   * Whether it is a process of the host, once that was looked at.
   *
   * @param namedByUnit whether that was asked of one that must be in a certain systemd unit
   */
  @Nullable Once host(boolean namedByUnit) {
    return namedByUnit ? unit : host;
  }

  void host(boolean namedByUnit, Once found) {
    if (namedByUnit) {
      unit = found;
    } else {
      host = found;
    }
  }

  /** Whether so long ago nobody traced it that it is to be looked at again. */
  boolean tracerIsDue() {
    return System.nanoTime() - untracedAt >= TRACER_NANOS;
  }

  /** Nobody traces it now. */
  void untraced() {
    untracedAt = System.nanoTime();
  }

  /** Whether its executable lies on an ordinary file system, once that was looked at. */
  @Nullable Once fileSystem() {
    return fileSystem;
  }

  void fileSystem(Once found) {
    fileSystem = found;
  }

  /**
   * Whether its {@code maps} and the other's were found to be bound to one address space. One of
   * them tells of both then.
   */
  boolean sharesMemory(ProcessCaller other) {
    return memory.equals(other.memory);
  }

  /** They are bound to one. */
  void shareMemory(ProcessCaller other) {
    memory = other.memory;
  }

  /** How much of {@code maps} each look reads: as far as its executable stood the last time. */
  int mapsBytes() {
    return mapsBytes;
  }

  void mapsBytes(int found) {
    mapsBytes = Math.max(found, MAPS_PROBE + 1);
  }

  /** Keeps the descriptors open until {@link #leave}; false if they are closed already. */
  boolean enter() {
    int now;
    do {
      now = inside.get();
      if (now < 0) {
        return false;
      }
    } while (!inside.compareAndSet(now, now + 1));
    return true;
  }

  void leave() {
    if (inside.decrementAndGet() == CLOSED) {
      closeDescriptors();
    }
  }

  @Override
  public void close() {
    int now;
    do {
      now = inside.get();
      if (now < 0) {
        return;
      }
    } while (!inside.compareAndSet(now, now + CLOSED));
    if (now == 0) {
      closeDescriptors();
    }
  }

  private void closeDescriptors() {
    Scratch scratch = pool.take();
    Libc.close(scratch, descriptors.pidfd());
    Libc.close(scratch, descriptors.cgroup());
    if (descriptors.maps() >= 0) {
      Libc.close(scratch, descriptors.maps());
    }
    pool.give(scratch);
  }
}
