package dev.vouchsafe.keys;

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
 */
final class TokenLink {
  /** Opens a new connection. */
  interface Opener {
    TokenConnection open() throws KeyFault;
  }

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
    if (connection != null) {
      return connection;
    }
    synchronized (this) {
      if (closed) {
        throw isClosed();
      }
      connection = up;
      if (connection != null) {
        return connection;
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

  /** That connection is of no use any more. */
  void lost(TokenConnection connection, KeyFault why) {
    synchronized (this) {
      if (up == connection) {
        up = null;
        reason = why;
      }
    }
    connection.retire();
  }

  /** For good. */
  void close() {
    TokenConnection connection;
    synchronized (this) {
      closed = true;
      connection = up;
      up = null;
    }
    if (connection != null) {
      connection.retire();
    }
  }

  synchronized boolean isOpen() {
    return !closed;
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
