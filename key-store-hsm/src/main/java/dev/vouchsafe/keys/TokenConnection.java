package dev.vouchsafe.keys;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One stay at a token: from the login until it is retired, with the sessions that calls borrow.
 *
 * <p>Invariant: a session is either idle or borrowed by one call. Once retired, none is borrowed
 * any more, and whoever brings the last one back closes what is left and leaves the library. The
 * first session stays open and unused, where the token allows more than one: the token logs out
 * when the last session is closed. So two connections of this process to one token don't log each
 * other out: there is no call of C_Logout.
 */
final class TokenConnection {
  private static final int MOST_SESSIONS = 8;
  private static final long PATIENCE_SECONDS = 5;

  private final CryptokiLibrary library;
  private final Cryptoki cryptoki;
  private final TokenInfo token;
  private final long sealingKey;
  private final Semaphore free;
  private final @Nullable CryptokiSession first;
  private final Deque<CryptokiSession> idle = new ArrayDeque<>();
  private int borrowed;
  private boolean retired;

  /**
   * @param library entered; left when this is retired
   * @param loggedIn a session of the user who is logged in; taken over
   * @param sealingKey handle of the key that secrets are derived with
   */
  TokenConnection(
      CryptokiLibrary library,
      Cryptoki cryptoki,
      TokenInfo token,
      CryptokiSession loggedIn,
      long sealingKey) {
    this.library = library;
    this.cryptoki = cryptoki;
    this.token = token;
    this.sealingKey = sealingKey;
    if (token.sessions() == 1) {
      this.first = null;
      this.idle.add(loggedIn);
      this.free = new Semaphore(1);
    } else {
      long most = token.sessions() == 0 ? MOST_SESSIONS : token.sessions() - 1;
      this.first = loggedIn;
      this.free = new Semaphore((int) Math.min(MOST_SESSIONS, most));
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

  /** What is done in a session. */
  interface Work<T> {
    T run(CryptokiSession session) throws KeyFault, CryptokiException;
  }

  /**
   * Does it in a session that nobody else uses meanwhile.
   *
   * @throws KeyFault.Unavailable if all are in use for long, or this is retired
   */
  <T> T in(Work<T> work) throws KeyFault, CryptokiException {
    waitForFree();
    try {
      enter();
      try {
        return inSession(work);
      } finally {
        exit();
      }
    } finally {
      free.release();
    }
  }

  private void waitForFree() throws KeyFault.Unavailable {
    try {
      if (free.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    throw new KeyFault.Unavailable("token " + token.named() + " is busy");
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
    boolean good = false;
    try {
      T result = work.run(session);
      good = true;
      return result;
    } finally {
      if (good) {
        keep(session);
      } else {
        session.close();
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

  /** Lets nobody in any more. Calls that are under way end by themselves. */
  void retire() {
    boolean last;
    synchronized (this) {
      last = !retired && borrowed == 0;
      retired = true;
    }
    if (last) {
      end();
    }
  }

  /** By the one thread that has found that nobody is in, and nobody can come: so without a lock. */
  private void end() {
    idle.forEach(CryptokiSession::close);
    idle.clear();
    if (first != null) {
      first.close();
    }
    library.leave();
  }
}
