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
 * once, until that call comes back. That bounds one library; a second one that hangs at the same
 * time takes as many workers again.
 */
final class LibraryCalls {
  /** How long a caller waits at most for others, in nanoseconds. */
  static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(500);

  private final int most = Math.max(1, Runtime.getRuntime().availableProcessors());
  private final Semaphore free = new Semaphore(most);
  private final Set<Call> inside = ConcurrentHashMap.newKeySet();
  private final String library;

  /**
   * @param library its name for people
   */
  LibraryCalls(String library) {
    this.library = library;
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
