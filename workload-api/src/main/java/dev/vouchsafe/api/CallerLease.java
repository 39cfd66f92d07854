package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Caller;

/**
 * Keeps a caller open while its connection or a worker uses it. The descriptors behind it must not
 * be closed under a worker: the kernel would give their numbers to another process's.
 */
final class CallerLease {
  private final Caller caller;
  private int users = 1;

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

  /** Only for those who hold it. */
  Caller caller() {
    return caller;
  }
}
