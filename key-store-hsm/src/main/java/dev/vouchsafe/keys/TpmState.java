package dev.vouchsafe.keys;

import dev.vouchsafe.keys.KeyStoreHealth.State;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
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
  private final Map<Path, KeyStoreHealth> keys = new LinkedHashMap<>();
  private KeyStoreHealth health = KeyStoreHealth.UP;
  private @Nullable Path newest;
  private @Nullable KeyFault reason;
  private long nextTry;
  private long pause = PAUSE;
  private OptionalLong begun = OptionalLong.empty();
  private boolean closed;

  /**
   * @param nanos a clock for durations
   */
  TpmState(LongSupplier nanos) {
    this.nanos = nanos;
  }

  synchronized KeyStoreHealth health() {
    if (health.equals(KeyStoreHealth.UP)
        && begun.isPresent()
        && nanos.getAsLong() - begun.getAsLong() > TpmChip.Limit.CALL.silence()) {
      return new KeyStoreHealth(State.SUSPECT, "a call at the TPM takes its time");
    }
    return health;
  }

  /**
   * Lets a caller to the TPM.
   *
   * @return whether he is the one who tries a TPM that could not be used
   * @throws KeyFault if it is not to be tried now
   */
  synchronized boolean enter() throws KeyFault {
    checkOpen();
    if (reason == null) {
      return false;
    }
    long now = nanos.getAsLong();
    if (now - nextTry < 0) {
      throw again(reason);
    }
    nextTry = now + pause;
    return true;
  }

  /**
   * It is his turn.
   *
   * @param tries what {@link #enter} has said
   * @throws KeyFault if it can't be used any more
   */
  synchronized void begin(boolean tries) throws KeyFault {
    checkOpen();
    if (reason != null && !tries) {
      throw again(reason);
    }
    begun = OptionalLong.of(nanos.getAsLong());
  }

  /** Whoever was to try it could do without: the next one is to. */
  synchronized void notTried() {
    nextTry = nanos.getAsLong();
  }

  /** After {@link #begin}. */
  synchronized void end() {
    begun = OptionalLong.empty();
  }

  private void checkOpen() throws KeyFault {
    if (closed) {
      throw new KeyFault.Unavailable("the key store is closed");
    }
  }

  private static KeyFault again(KeyFault reason) {
    String message = String.valueOf(reason.getMessage());
    return reason instanceof KeyFault.Failed
        ? new KeyFault.Failed(message, reason)
        : new KeyFault.Unavailable(message, reason);
  }

  /** A call has worked. */
  synchronized void up() {
    health = keys.values().stream().findFirst().orElse(KeyStoreHealth.UP);
    reason = null;
  }

  /** A call has failed, and so would the next ones for a while. */
  synchronized KeyFault down(State state, KeyFault why, boolean hung) {
    note(state, why);
    reason = why;
    pause = hung ? PAUSE_AFTER_HANG : PAUSE;
    nextTry = nanos.getAsLong() + pause;
    return why;
  }

  /** A call has failed, which says nothing about other calls. */
  synchronized KeyFault note(State state, KeyFault why) {
    health = new KeyStoreHealth(state, String.valueOf(why.getMessage()));
    reason = null;
    return why;
  }

  /** A key can't be used, whatever works beside it. */
  synchronized void lock(Path key, String why) {
    if (newest == null || newest.equals(key)) {
      keys.put(key, new KeyStoreHealth(State.LOCKED, why));
    }
  }

  /** It can. */
  synchronized void unlock(Path key) {
    keys.remove(key);
  }

  /**
   * The key that was bound to PCRs last: those before it may have been replaced, and don't count.
   */
  synchronized void newest(Path key) {
    newest = key;
    keys.clear();
  }

  synchronized void close() {
    closed = true;
  }

  synchronized boolean isClosed() {
    return closed;
  }
}
