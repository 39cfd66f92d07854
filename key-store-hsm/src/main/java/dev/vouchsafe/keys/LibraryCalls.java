package dev.vouchsafe.keys;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The calls that are inside of one PKCS#11 library now.
 *
 * <p>A library may hang, in a driver or on a network, and nothing in this process can end such a
 * call: its thread is lost until it returns. A thread of its own for each call would keep the
 * caller free, but costs more than a signature. So a caller goes in itself, and what a hang can
 * take is bounded.
 *
 * <p>Invariant: at most as many calls are inside as the machine has cores. The service has at least
 * twice as many workers: half of them are left for what needs no token, whatever the library does.
 * Nobody waits longer than {@link #PATIENCE} for others to come out. While a call is inside longer
 * than its kind may take, the library counts as hung: nobody else goes in, and all are told at
 * once, until that call comes back, or until the helper process is killed that it is in. That
 * bounds one library; a second one that hangs at the same time takes as many workers again.
 */
final class LibraryCalls {
  /** How long a caller waits at most for others, in nanoseconds. */
  static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(500);

  /**
   * How long calls may take before they count as hung, in nanoseconds.
   *
   * @param opening initializing the library, finding the token, logging in: a network HSM may look
   *     for its way for a while
   * @param signing looking for a key and signing
   * @param making making a key: RSA-4096 takes slow tokens a minute
   */
  record Limits(long opening, long signing, long making) {
    private static final long MAKING = TimeUnit.MINUTES.toNanos(2);

    /** Of a library in this process, which can only be waited for. */
    static final Limits HERE =
        new Limits(TimeUnit.SECONDS.toNanos(30), TimeUnit.SECONDS.toNanos(5), MAKING);

    /**
     * Of one in a helper process, which is killed then: soon, since somebody waits for it. With the
     * wait for others and the time that the kill takes, nobody waits two seconds.
     */
    static final Limits HELPER =
        new Limits(TimeUnit.SECONDS.toNanos(10), TimeUnit.SECONDS.toNanos(1), MAKING);
  }

  private final int most = Math.max(1, Runtime.getRuntime().availableProcessors());
  private final Semaphore free = new Semaphore(most);
  private final Set<Call> inside = ConcurrentHashMap.newKeySet();
  private final String library;
  private final Limits limits;

  /**
   * @param library its name for people
   */
  LibraryCalls(String library, Limits limits) {
    this.library = library;
    this.limits = limits;
  }

  Limits limits() {
    return limits;
  }

  /** How many may be inside at a time. */
  int most() {
    return most;
  }

  /** One that is inside, until it ends. */
  final class Call {
    private final Semaphore alsoFree;
    private final LongSupplier nanos;
    private final long latest;

    private Call(Semaphore alsoFree, LongSupplier nanos, long limit) {
      this.alsoFree = alsoFree;
      this.nanos = nanos;
      this.latest = nanos.getAsLong() + limit;
    }

    private boolean hangs() {
      return nanos.getAsLong() - latest > 0;
    }

    /** Once, when nothing of it is inside any more. */
    void end() {
      inside.remove(this);
      free.release();
      alsoFree.release();
    }
  }

  /** Goes in where nothing but the library limits how many do. */
  Call begin(LongSupplier nanos, long limit) throws KeyFault.Unavailable {
    return begin(new Semaphore(1), nanos, limit);
  }

  /**
   * Goes in; {@link Call#end} must follow.
   *
   * @param alsoFree a limit beside that of the library
   * @param nanos a clock for durations
   * @param limit nanoseconds after which this call counts as hung
   * @throws KeyFault.Unavailable if the library hangs, or all are inside and none comes out
   */
  Call begin(Semaphore alsoFree, LongSupplier nanos, long limit) throws KeyFault.Unavailable {
    checkAnswers();
    long end = System.nanoTime() + PATIENCE;
    acquire(alsoFree, end);
    boolean in = false;
    try {
      acquire(free, end);
      in = true;
    } finally {
      if (!in) {
        alsoFree.release();
      }
    }
    Call call = new Call(alsoFree, nanos, limit);
    try {
      // It may have begun to hang while we waited.
      checkAnswers();
      inside.add(call);
      return call;
    } catch (KeyFault.Unavailable e) {
      call.end();
      throw e;
    }
  }

  /** Whether a call is inside longer than its kind may take. */
  boolean hangs() {
    return inside.stream().anyMatch(Call::hangs);
  }

  private void checkAnswers() throws KeyFault.Unavailable {
    for (Call call : inside) {
      if (call.hangs()) {
        throw new KeyFault.Unavailable(
            "the PKCS#11 library "
                + library
                + " hangs in a call; nothing is asked of it until that call returns");
      }
    }
  }

  private void acquire(Semaphore wanted, long end) throws KeyFault.Unavailable {
    try {
      if (wanted.tryAcquire() || wanted.tryAcquire(end - System.nanoTime(), TimeUnit.NANOSECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new KeyFault.Unavailable("the PKCS#11 library " + library + " is busy");
  }
}
