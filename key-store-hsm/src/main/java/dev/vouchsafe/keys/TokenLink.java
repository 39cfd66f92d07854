package dev.vouchsafe.keys;

import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A store's way to its token, which may be lost and come back: the one place that knows whether the
 * token is there.
 *
 * <p>Invariant, under the lock of this object: it is up with a connection, or down with the reason,
 * or closed. While it is down, one caller at a time tries to open a connection: soon after the
 * loss, and then a pause after the last try. All others are told the reason at once. A connection
 * that was lost is never used again, and what was known of objects in the token goes with it.
 *
 * <p>Opening anew may hang in the library: that holds one caller up, and the others not at all.
 */
final class TokenLink {
  /** Opens a new connection. */
  interface Opener {
    TokenConnection open() throws KeyFault;
  }

  private static final Duration CLOSING = Duration.ofSeconds(2);

  private final Opener opener;
  private final LongSupplier nanos;
  private final long pause;
  private volatile @Nullable TokenConnection up;
  private KeyFault reason = new KeyFault.Unavailable("the token was not looked for yet");
  private long nextTry;
  private boolean opening;
  private boolean closed;

  /**
   * @param nanos a clock for durations, such as {@link System#nanoTime}
   * @param pause nanoseconds between two tries
   */
  TokenLink(Opener opener, LongSupplier nanos, long pause) {
    this.opener = opener;
    this.nanos = nanos;
    this.pause = pause;
    this.nextTry = nanos.getAsLong();
  }

  /**
   * The connection, opened now if it is time to try.
   *
   * @throws KeyFault why there is none
   */
  TokenConnection connection() throws KeyFault {
    TokenConnection connection = up;
    if (connection != null && !connection.isRetired()) {
      return connection;
    }
    synchronized (this) {
      if (closed) {
        throw isClosed();
      }
      connection = up;
      if (connection != null && !connection.isRetired()) {
        return connection;
      }
      if (connection != null) {
        up = null;
        reason = new KeyFault.Unavailable("the way to the token was lost");
      }
      if (opening || nanos.getAsLong() - nextTry < 0) {
        throw again(reason);
      }
      opening = true;
      nextTry = nanos.getAsLong() + pause;
    }
    return open();
  }

  private TokenConnection open() throws KeyFault {
    @Nullable TokenConnection connection = null;
    KeyFault fault = new KeyFault.Unavailable("the token could not be opened");
    try {
      connection = opener.open();
      return keep(connection);
    } catch (KeyFault e) {
      fault = e;
      throw e;
    } finally {
      synchronized (this) {
        opening = false;
        if (connection == null) {
          reason = fault;
          nextTry = nanos.getAsLong() + pause;
        }
      }
    }
  }

  private TokenConnection keep(TokenConnection connection) throws KeyFault {
    synchronized (this) {
      if (!closed) {
        up = connection;
        return connection;
      }
    }
    connection.retire();
    throw isClosed();
  }

  /** Where it stands. */
  synchronized KeyStoreHealth health() {
    TokenConnection connection = up;
    if (connection != null && !connection.isRetired()) {
      return KeyStoreHealth.UP;
    }
    return new KeyStoreHealth(
        opening ? KeyStoreHealth.State.REOPENING : KeyStoreHealth.State.GONE,
        String.valueOf(reason.getMessage()));
  }

  /** That connection, which is retired, is of no use any more. */
  synchronized void lost(TokenConnection connection, KeyFault.Unavailable why) {
    if (up == connection) {
      up = null;
      reason = why;
    }
  }

  /** For good. Calls that are under way end by themselves, or never: they are not waited for. */
  void close() {
    TokenConnection connection;
    synchronized (this) {
      closed = true;
      connection = up;
      up = null;
    }
    if (connection != null) {
      retireSoon(connection);
    }
  }

  /** A library that hangs while it is left must not keep the service from ending. */
  private static void retireSoon(TokenConnection connection) {
    Thread leaving = Thread.ofPlatform().daemon().name("token-closing").start(connection::retire);
    try {
      if (!leaving.join(CLOSING)) {
        System.getLogger(TokenLink.class.getName())
            .log(System.Logger.Level.WARNING, "the PKCS#11 library hangs while it is left");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static KeyFault isClosed() {
    return new KeyFault.Unavailable("the key store is closed");
  }

  private static KeyFault again(KeyFault reason) {
    String message = String.valueOf(reason.getMessage());
    return switch (reason) {
      case KeyFault.Failed _ -> new KeyFault.Failed(message, reason);
      default -> new KeyFault.Unavailable(message, reason);
    };
  }
}
