package dev.vouchsafe.keys;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A store's way to its token, which may be lost and come back: the one place that knows whether the
 * token is there.
 *
 * <p>Invariant, under the lock of this object: it is up with a connection, or not, with a state and
 * a reason, or closed. While it is not up, a task is under way or due that tries to open a new
 * connection, whether anybody asks for one or not: at once after a loss, then with pauses that grow
 * to {@link #LONGEST_PAUSE}. So it is up again soon after the token is back. Where no thread can be
 * had for that, the next one who asks for the connection or its health sees to it. A connection
 * that was lost is never used again, and what was known of objects in the token goes with it.
 *
 * <p>Nobody who asks opens one himself: a library that hangs while it is opened holds no caller up.
 * After a loss, callers wait for the first try for a moment, since a session that has ended is
 * replaced in milliseconds. After that moment, and whenever a try has failed, they are told the
 * reason at once.
 */
final class TokenLink {
  /** Opens a new connection. */
  interface Opener {
    Opening open();
  }

  /** Runs something once, after so many nanoseconds, in another thread than the caller's. */
  interface Later {
    void run(Runnable task, long delay);
  }

  /** Between two tries while the token is away, in nanoseconds. */
  static final long LONGEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(300);

  /** The same while it lets nobody in: that ends when a person does something. */
  private static final long LOCKED_PAUSE = TimeUnit.MILLISECONDS.toNanos(700);

  private static final long SHORTEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(40);
  private static final int MOST_DOUBLINGS = 3;
  private static final Duration CLOSING = Duration.ofSeconds(2);

  private final Opener opener;
  private final Later later;
  private final LongSupplier nanos;
  private final long patience;
  private volatile @Nullable TokenConnection up;
  private volatile KeyStoreHealth down =
      new KeyStoreHealth(KeyStoreHealth.State.GONE, "the token was not looked for yet");
  private long patientUntil;
  private int failures;
  private boolean trying;

  /** Whether a task will try; not before the store's own first look. */
  private boolean due = true;

  private boolean closed;

  /**
   * @param nanos a clock for durations, such as {@link System#nanoTime}
   * @param patience nanoseconds after a loss in which callers wait for the first try to open anew
   */
  TokenLink(Opener opener, Later later, LongSupplier nanos, long patience) {
    this.opener = opener;
    this.later = later;
    this.nanos = nanos;
    this.patience = patience;
    this.patientUntil = nanos.getAsLong();
  }

  /** A thread for each task: there is one at a time, and none while the token is there. */
  static void inThread(Runnable task, long delay) {
    Thread.ofPlatform()
        .daemon()
        .name("token-watch")
        .start(() -> {
          LockSupport.parkNanos(delay);
          task.run();
        });
  }

  /**
   * The connection.
   *
   * @throws KeyFault.Unavailable why there is none
   */
  TokenConnection connection() throws KeyFault.Unavailable {
    TokenConnection connection = up;
    return connection != null && !connection.isRetired() ? connection : awaited();
  }

  private synchronized TokenConnection awaited() throws KeyFault.Unavailable {
    while (!closed) {
      TokenConnection connection = up;
      if (connection != null && !connection.isRetired()) {
        return connection;
      }
      seeToIt();
      boolean first =
          connection != null
              || down.state() == KeyStoreHealth.State.SUSPECT
              || down.state() == KeyStoreHealth.State.REOPENING;
      long left = patientUntil - nanos.getAsLong();
      if (!first || left <= 0 || !waited(left)) {
        throw new KeyFault.Unavailable(down.reason());
      }
    }
    throw isClosed();
  }

  private boolean waited(long most) {
    try {
      TimeUnit.NANOSECONDS.timedWait(this, most);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Where it stands. */
  KeyStoreHealth health() {
    TokenConnection connection = up;
    if (connection == null) {
      seeToIt();
      return down;
    }
    if (connection.isRetired()) {
      return new KeyStoreHealth(
          KeyStoreHealth.State.SUSPECT, "the connection to the token is lost");
    }
    if (connection.library().calls().hangs()) {
      return new KeyStoreHealth(
          KeyStoreHealth.State.SUSPECT, "the PKCS#11 library hangs in a call");
    }
    return KeyStoreHealth.UP;
  }

  /** A task that tries is under way or due, unless no thread could be had for it: then now. */
  private synchronized void seeToIt() {
    if (up == null && !due && !trying) {
      tryIn(0);
    }
  }

  /** Tries to open it now, in this thread, unless another one is at it. */
  Opening look() {
    synchronized (this) {
      TokenConnection connection = up;
      if (connection != null) {
        return new Opening.Open(connection);
      }
      if (closed || trying) {
        return new Opening.Away(closed ? isClosed() : new KeyFault.Unavailable(down.reason()));
      }
      trying = true;
      due = false;
      if (down.state() == KeyStoreHealth.State.SUSPECT) {
        down = new KeyStoreHealth(KeyStoreHealth.State.REOPENING, down.reason());
      }
    }
    Opening opening = new Opening.Away(new KeyFault.Unavailable("the token could not be opened"));
    try {
      opening = opener.open();
    } finally {
      settle(opening);
    }
    return opening;
  }

  private void settle(Opening opening) {
    boolean open;
    synchronized (this) {
      trying = false;
      open = !closed && opening instanceof Opening.Open;
      switch (opening) {
        case Opening.Open(TokenConnection connection) -> {
          failures = 0;
          up = open ? connection : null;
        }
        case Opening.Locked(KeyFault why) -> failed(KeyStoreHealth.State.LOCKED, why, LOCKED_PAUSE);
        case Opening.Away(KeyFault why) ->
            failed(
                KeyStoreHealth.State.GONE,
                why,
                Math.min(LONGEST_PAUSE, SHORTEST_PAUSE << Math.min(failures, MOST_DOUBLINGS)));
      }
      notifyAll();
    }
    if (opening instanceof Opening.Open(TokenConnection connection)) {
      if (open) {
        connection.whenRetired(new Loss(connection));
      } else {
        connection.retire("the key store is closed");
      }
    }
  }

  private void failed(KeyStoreHealth.State state, KeyFault why, long pause) {
    down = new KeyStoreHealth(state, String.valueOf(why.getMessage()));
    failures++;
    tryIn(pause);
  }

  private void tryIn(long pause) {
    if (closed) {
      return;
    }
    due = true;
    try {
      later.run(this::look, pause);
    } catch (OutOfMemoryError e) {
      // What the JVM says where the system has no more threads for it: that passes.
      due = false;
      System.getLogger(TokenLink.class.getName())
          .log(
              System.Logger.Level.WARNING, "no thread to open the token anew: {0}", e.getMessage());
    }
  }

  /** The end of a connection that was up. */
  private final class Loss implements TokenConnection.Retirement {
    private final TokenConnection connection;
    private boolean counts;

    Loss(TokenConnection connection) {
      this.connection = connection;
    }

    @Override
    public void begins(String why) {
      synchronized (TokenLink.this) {
        if (up == connection) {
          counts = true;
          up = null;
          down = new KeyStoreHealth(KeyStoreHealth.State.SUSPECT, why);
          patientUntil = nanos.getAsLong() + patience;
          // Not yet: a new session begins best when the old ones are closed.
          due = true;
        }
      }
    }

    @Override
    public void isOver() {
      synchronized (TokenLink.this) {
        if (counts && up == null && !trying && down.state() == KeyStoreHealth.State.SUSPECT) {
          patientUntil = nanos.getAsLong() + patience;
          tryIn(0);
        }
      }
    }
  }

  /** For good. Calls that are under way end by themselves, or never: they are not waited for. */
  void close() {
    TokenConnection connection;
    synchronized (this) {
      closed = true;
      connection = up;
      up = null;
      down = new KeyStoreHealth(KeyStoreHealth.State.GONE, "the key store is closed");
      notifyAll();
    }
    if (connection != null) {
      retireSoon(connection);
    }
  }

  /** A library that hangs while it is left must not keep the service from ending. */
  private static void retireSoon(TokenConnection connection) {
    Thread leaving =
        Thread.ofPlatform()
            .daemon()
            .name("token-closing")
            .start(() -> connection.retire("the key store is closed"));
    try {
      if (!leaving.join(CLOSING)) {
        System.getLogger(TokenLink.class.getName())
            .log(System.Logger.Level.WARNING, "the PKCS#11 library hangs while it is left");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static KeyFault.Unavailable isClosed() {
    return new KeyFault.Unavailable("the key store is closed");
  }
}
