package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Caller;
import java.util.concurrent.TimeUnit;

/**
 * Keeps a caller open while its connection or a worker uses it. The descriptors behind it must not
 * be closed under a worker: the kernel would give their numbers to another process's.
 */
final class CallerLease {
  /** A caller that asks and asks is looked at so often, for it may be registered meanwhile. */
  private static final long MOMENT_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final Caller caller;
  private int users = 1;
  private long told;
  private long toldAt;

  /** The connection is the first user; it must {@link #release}. */
  CallerLease(Caller caller) {
    this.caller = caller;
  }

  /** One more user, unless the last one has gone. */
  synchronized boolean acquire() {
    if (users == 0) {
      return false;
    }
    users++;
    return true;
  }

  /** One user less; the last one closes the caller. */
  void release() {
    boolean last;
    synchronized (this) {
      if (users == 0) {
        throw new IllegalStateException("released more often than acquired");
      }
      users--;
      last = users == 0;
    }
    if (last) {
      caller.close();
    }
  }

  /**
   * Whether that version of the trust bundle is worth remembering for this caller: it is newer than
   * the last one, or some time has passed.
   *
   * @param nanos as {@link System#nanoTime}
   */
  synchronized boolean isNewsOf(long sequence, long nanos) {
    if (sequence <= told && nanos - toldAt < MOMENT_NANOS) {
      return false;
    }
    told = sequence;
    toldAt = nanos;
    return true;
  }

  /** Only for those who hold it. */
  Caller caller() {
    return caller;
  }
}
