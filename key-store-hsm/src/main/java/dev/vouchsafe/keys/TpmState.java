package dev.vouchsafe.keys;

import dev.vouchsafe.keys.KeyStoreHealth.State;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether a store's TPM can be used: what its last call has shown.
 *
 * <p>While it can't, one call in a pause tries it, and the others are told at once. So nobody waits
 * for a TPM that is away, and it is found again within that pause, without a restart.
 */
final class TpmState {
  /** A TPM that refuses is asked again soon: that costs a few milliseconds. */
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(200);

  /** One that hangs takes a worker for seconds each time. */
  private static final long PAUSE_AFTER_HANG = TimeUnit.SECONDS.toNanos(2);

  private final LongSupplier nanos;
  private volatile KeyStoreHealth health = KeyStoreHealth.UP;
  private @Nullable KeyFault reason;
  private long nextTry;
  private boolean closed;

  /**
   * @param nanos a clock for durations
   */
  TpmState(LongSupplier nanos) {
    this.nanos = nanos;
  }

  KeyStoreHealth health() {
    return health;
  }

  /**
   * @throws KeyFault if it is not to be tried now
   */
  synchronized void check() throws KeyFault {
    if (closed) {
      throw new KeyFault.Unavailable("the key store is closed");
    }
    if (reason != null && nanos.getAsLong() - nextTry < 0) {
      String message = String.valueOf(reason.getMessage());
      throw reason instanceof KeyFault.Failed
          ? new KeyFault.Failed(message, reason)
          : new KeyFault.Unavailable(message, reason);
    }
  }

  /** A call has worked. */
  synchronized void up() {
    health = KeyStoreHealth.UP;
    reason = null;
  }

  /** A call has failed, and so would the next ones for a while. */
  synchronized KeyFault down(State state, KeyFault why, boolean hung) {
    note(state, why);
    reason = why;
    nextTry = nanos.getAsLong() + (hung ? PAUSE_AFTER_HANG : PAUSE);
    return why;
  }

  /** A call has failed, which says nothing about other calls. */
  synchronized KeyFault note(State state, KeyFault why) {
    health = new KeyStoreHealth(state, String.valueOf(why.getMessage()));
    return why;
  }

  synchronized void close() {
    closed = true;
  }
}
