package dev.vouchsafe.attestation;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A caller as it was at the first look, with the descriptors that stay bound to it.
 *
 * <p>Invariant: its descriptors are used only under its lock and while it is open, since a closed
 * number may belong to something else the next moment.
 */
final class ProcessCaller implements Caller {
  /** Says what a caller is from its connection alone. */
  record Peer(int pid, long uid, long gid, @Nullable List<Long> groups) {}

  /**
   * Descriptors bound to the process.
   *
   * @param pidfd tells when it has ended
   * @param cgroup its {@code /proc/PID/cgroup}
   * @param maps its {@code /proc/PID/maps}, which shows nothing more after an exec; -1 if denied
   */
  record Descriptors(int pidfd, int cgroup, int maps) {}

  /**
   * What the process was at the first look.
   *
   * @param executable null if we may not see it
   * @param cgroup the text of {@code /proc/PID/cgroup}
   */
  record State(Credentials credentials, @Nullable FileFacts executable, MemorySegment cgroup) {}

  private final Peer peer;
  private final Descriptors descriptors;
  private final State first;
  private final ScratchPool pool;
  private boolean closed;

  /** What was found of its namespaces and container, which is looked at once; null: not yet. */
  @Nullable Doubt hostDoubt;

  boolean hostKnown;

  ProcessCaller(Peer peer, Descriptors descriptors, State first, ScratchPool pool) {
    this.peer = peer;
    this.descriptors = descriptors;
    this.first = first;
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

  Peer peer() {
    return peer;
  }

  State first() {
    return first;
  }

  /** Only under the caller's lock, and only while it is open. */
  Descriptors descriptors() {
    return descriptors;
  }

  /** Only under the caller's lock. */
  boolean closed() {
    return closed;
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    Scratch scratch = pool.take();
    Libc.close(scratch, descriptors.pidfd());
    Libc.close(scratch, descriptors.cgroup());
    if (descriptors.maps() >= 0) {
      Libc.close(scratch, descriptors.maps());
    }
    pool.give(scratch);
  }
}
