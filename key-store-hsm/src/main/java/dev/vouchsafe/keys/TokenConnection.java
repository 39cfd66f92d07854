package dev.vouchsafe.keys;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One stay at a token: from the login until it is retired, with the sessions that calls borrow.
 *
 * <p>Invariant: a session is either idle or borrowed by one call. Once retired, none is borrowed
 * any more, and whoever brings the last one back closes what is left and leaves the library. The
 * first session stays open and unused, where the token allows more than one: the token logs out
 * when the last session is closed. So two connections of this process to one token don't log each
 * other out: there is no call of C_Logout. Where the token allows one session only, a failure that
 * closes it retires the connection, since that logs out.
 *
 * <p>It retires itself when the token is lost or has logged us out, inside the call that found out:
 * so whatever is then closed counts among the {@link LibraryCalls}, which bound what a library that
 * hangs can take.
 */
final class TokenConnection {
  private final CryptokiLibrary library;
  private final Cryptoki cryptoki;
  private final TokenInfo token;
  private final long sealingKey;
  private final LongSupplier nanos;
  private final Semaphore free;
  private final @Nullable CryptokiSession first;
  private final Deque<CryptokiSession> idle = new ArrayDeque<>();
  private int borrowed;
  private volatile boolean retired;
  private String why = "";
  private @Nullable Retirement whenRetired;

  /**
   * @param library entered; left when this is retired
   * @param loggedIn a session of the user who is logged in; taken over
   * @param sealingKey handle of the key that secrets are derived with
   * @param nanos a clock for durations
   */
  TokenConnection(
      CryptokiLibrary library,
      Cryptoki cryptoki,
      TokenInfo token,
      CryptokiSession loggedIn,
      long sealingKey,
      LongSupplier nanos) {
    this.library = library;
    this.cryptoki = cryptoki;
    this.token = token;
    this.sealingKey = sealingKey;
    this.nanos = nanos;
    if (token.sessions() == 1) {
      this.first = null;
      this.idle.add(loggedIn);
      this.free = new Semaphore(1);
    } else {
      long most = token.sessions() == 0 ? Long.MAX_VALUE : token.sessions() - 1;
      this.first = loggedIn;
      this.free = new Semaphore((int) Math.min(library.calls().most(), most));
    }
  }

  /** What the token said of itself before the login. */
  TokenInfo token() {
    return token;
  }

  CryptokiLibrary library() {
    return library;
  }

  /** Good in every session of this connection, and in no other. */
  long sealingKey() {
    return sealingKey;
  }

  /** Whether it is of no use any more. */
  boolean isRetired() {
    return retired;
  }

  /** Told once when a connection comes to its end. */
  interface Retirement {
    /** It is of no use any more, from now on. Must not wait for anything. */
    void begins(String why);

    /** Its sessions are closed, unless calls are still under way in it. */
    void isOver();
  }

  /** What is done in a session. */
  interface Work<T> {
    T run(CryptokiSession session) throws KeyFault, CryptokiException;
  }

  /**
   * Does it in a session that nobody else uses meanwhile.
   *
   * @param limit nanoseconds after which it counts as hung
   * @throws KeyFault.Unavailable if the library hangs, all sessions are in use, or this is retired
   * @throws CryptokiException what the token answers; if it is lost or has logged us out, this is
   *     retired
   */
  <T> T in(long limit, Work<T> work) throws KeyFault, CryptokiException {
    LibraryCalls.Call call = library.calls().begin(free, nanos, limit);
    try {
      enter();
      try {
        return inSession(work);
      } catch (CryptokiException e) {
        if (e.kind().isLost()) {
          retire("token " + token.named() + ": " + e.getMessage());
        }
        throw e;
      } finally {
        exit();
      }
    } finally {
      call.end();
    }
  }

  private synchronized void enter() throws KeyFault.Unavailable {
    if (retired) {
      throw new KeyFault.Unavailable("token " + token.named() + " was lost, or is closed");
    }
    borrowed++;
  }

  private void exit() {
    boolean last;
    synchronized (this) {
      borrowed--;
      last = retired && borrowed == 0;
    }
    if (last) {
      end();
    }
  }

  private <T> T inSession(Work<T> work) throws KeyFault, CryptokiException {
    CryptokiSession session = session();
    boolean clean = false;
    try {
      T result = work.run(session);
      clean = true;
      return result;
    } catch (KeyFault e) {
      // Our own verdict on an answer, between two calls: no operation is under way.
      clean = true;
      throw e;
    } catch (CryptokiException e) {
      boolean ofThisCall = e.kind().isLost() || session.sees(sealingKey);
      // A token that has logged us out fails in many words.
      throw ofThisCall ? e : CryptokiException.loggedOut(e);
    } finally {
      if (clean) {
        keep(session);
      } else {
        discard(session);
      }
    }
  }

  private CryptokiSession session() throws CryptokiException {
    synchronized (this) {
      CryptokiSession session = idle.poll();
      if (session != null) {
        return session;
      }
    }
    return CryptokiSession.open(cryptoki, token.slot(), !token.is(Ck.CKF_WRITE_PROTECTED));
  }

  private synchronized void keep(CryptokiSession session) {
    idle.push(session);
  }

  private void discard(CryptokiSession session) {
    if (first == null) {
      retire("the only session of token " + token.named() + " was closed");
    }
    session.close();
  }

  /** Looks whether it is what it was, though nobody has asked for anything, and retires if not. */
  void probe() {
    try {
      in(
          library.calls().limits().signing(),
          session -> {
            if (!session.sees(sealingKey)) {
              throw CryptokiException.loggedOut();
            }
            return true;
          });
    } catch (KeyFault | CryptokiException e) {
      System.getLogger(TokenConnection.class.getName())
          .log(System.Logger.Level.DEBUG, "a connection was probed: {0}", e.getMessage());
    }
  }

  /** Tells once, now or later, that this is retired, and why. */
  void whenRetired(Retirement listener) {
    String reason;
    synchronized (this) {
      if (!retired) {
        whenRetired = listener;
        return;
      }
      reason = why;
    }
    listener.begins(reason);
    listener.isOver();
  }

  /** Lets nobody in any more. Calls that are under way end by themselves. */
  void retire(String reason) {
    boolean last;
    Retirement listener;
    synchronized (this) {
      if (retired) {
        return;
      }
      retired = true;
      why = reason;
      last = borrowed == 0;
      listener = whenRetired;
      whenRetired = null;
    }
    if (listener != null) {
      listener.begins(reason);
    }
    try {
      if (last) {
        end();
      }
    } finally {
      if (listener != null) {
        listener.isOver();
      }
    }
  }

  /** By the one thread that has found that nobody is in, and nobody can come: so without a lock. */
  private void end() {
    idle.forEach(CryptokiSession::close);
    idle.clear();
    if (first != null) {
      first.close();
    }
    library.left(this);
  }
}
