package dev.vouchsafe.keys;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Goes from a URI to a connection: library, token, flags, one login, keys. */
final class TokenOpener implements TokenLink.Opener {
  /** What is done in a token before it counts as open. */
  interface Content {
    /** Finds or makes the sealing key, with the user logged in. */
    long sealingKey(CryptokiSession session, TokenInfo token) throws KeyFault, CryptokiException;

    /**
     * Holds what is there against what was there before.
     *
     * @throws KeyFault.Failed if it is something else
     */
    default void check(TokenConnection connection, CryptokiSession session)
        throws KeyFault, CryptokiException {}
  }

  /** A library that others use begins anew for us this long after the token was lost... */
  static final long FIRST_BEGINNING = TimeUnit.MILLISECONDS.toNanos(400);

  /**
   * ...and then at intervals that grow up to this, since it takes the others' sessions. After that
   * no more: a token may well stay away, such as a root's, and must not disturb the others for
   * ever.
   */
  private static final long LONGEST_INTERVAL = TimeUnit.MINUTES.toNanos(10);

  private final Pkcs11Uri uri;
  private final LongSupplier nanos;
  private final TokenPin pin;
  private final boolean known;
  private final Content content;
  private final LibrarySource source;
  private @Nullable CryptokiLibrary library;
  private volatile @Nullable TokenInfo seen;

  /** Of the one that opens. */
  private long interval;

  private long nextBeginning;
  private boolean noMore;

  /**
   * @param nanos a clock for durations
   * @param known whether the token was there before, so that it may come back if it is away
   */
  TokenOpener(
      Pkcs11Uri uri,
      LibrarySource source,
      TokenPin pin,
      LongSupplier nanos,
      boolean known,
      Content content) {
    this.uri = uri;
    this.source = source;
    this.nanos = nanos;
    this.pin = pin;
    this.known = known;
    this.content = content;
  }

  /** The token as it was when it was last there. */
  @Nullable TokenInfo seen() {
    return seen;
  }

  /**
   * Opens the token, by the mildest way that helps: a new session and login first; then, where
   * other stores use the library, with those ended that have lost their tokens too; and rarely with
   * the library begun anew under the others, who open theirs again.
   */
  @Override
  public synchronized Opening open() {
    Opening opening = once();
    if (opening instanceof Opening.Away && beginsAnew()) {
      opening = once();
    }
    if (opening instanceof Opening.Away(KeyFault why)) {
      return new Opening.Away(withRemedy(why));
    }
    interval = 0;
    noMore = false;
    return opening;
  }

  /** What a person can do where we do nothing more. */
  private KeyFault withRemedy(KeyFault why) {
    CryptokiLibrary entered = library;
    if (!noMore || entered == null || !entered.isUsed() || why instanceof KeyFault.Failed) {
      return why;
    }
    return new KeyFault.Unavailable(
        why.getMessage()
            + "; other tokens of the library "
            + uri.modulePath()
            + " are in use, so it is not initialized again for this one any more: once the token is"
            + " back, restart the service if the library doesn't see it; with pkcs11-helper = true"
            + " they don't share it",
        why);
  }

  private boolean beginsAnew() {
    CryptokiLibrary entered = library;
    if (entered == null || !known) {
      return false;
    }
    if (entered.probeOthers()) {
      return true;
    }
    long now = nanos.getAsLong();
    if (interval == 0) {
      interval = FIRST_BEGINNING;
      nextBeginning = now + interval;
    }
    if (noMore || !entered.isUsed() || now - nextBeginning < 0) {
      return false;
    }
    noMore = interval == LONGEST_INTERVAL;
    interval = Math.min(2 * interval, LONGEST_INTERVAL);
    nextBeginning = now + interval;
    return entered.beginAnew();
  }

  private Opening once() {
    try {
      CryptokiLibrary entered = source.library();
      library = entered;
      LibraryCalls.Call call = entered.calls().begin(nanos, entered.calls().limits().opening());
      try {
        return in(entered);
      } catch (CryptokiException e) {
        return new Opening.Away(
            fault("token " + uri.tokenNamed() + " (module-path " + uri.modulePath() + ")", e));
      } finally {
        call.end();
      }
    } catch (KeyFault e) {
      return new Opening.Away(e);
    }
  }

  private Opening in(CryptokiLibrary entered) throws KeyFault, CryptokiException {
    Cryptoki cryptoki = entered.enter();
    boolean kept = false;
    try {
      Opening opening = at(entered, cryptoki);
      kept = opening instanceof Opening.Open;
      return opening;
    } finally {
      if (!kept) {
        entered.leave();
      }
    }
  }

  private Opening at(CryptokiLibrary entered, Cryptoki cryptoki)
      throws KeyFault, CryptokiException {
    TokenSearch search = new TokenSearch(cryptoki, uri, known);
    TokenInfo token = search.one(seen);
    seen = token;
    try {
      search.checkBeforeLogin(token);
    } catch (KeyFault.Failed e) {
      return new Opening.Locked(e);
    }
    boolean writing = !token.is(Ck.CKF_WRITE_PROTECTED);
    CryptokiSession session = CryptokiSession.open(cryptoki, token.slot(), writing);
    boolean kept = false;
    try {
      Opening opening = loggedIn(entered, cryptoki, token, session);
      kept = opening instanceof Opening.Open;
      return opening;
    } finally {
      if (!kept) {
        session.close();
      }
    }
  }

  private Opening loggedIn(
      CryptokiLibrary entered, Cryptoki cryptoki, TokenInfo token, CryptokiSession session)
      throws KeyFault, CryptokiException {
    try {
      pin.login(session, token);
    } catch (KeyFault.Failed e) {
      return new Opening.Locked(e);
    }
    long key = content.sealingKey(session, token);
    TokenConnection connection = new TokenConnection(entered, cryptoki, token, session, key, nanos);
    content.check(connection, session);
    entered.joined(connection);
    return new Opening.Open(connection);
  }

  /** A token that fits the URI, and isn't the one that the store was made in. */
  static KeyFault.Failed notOurs(TokenInfo token) {
    return new KeyFault.Failed(
        "token "
            + token.named()
            + " holds no keys of this key store: it is another token, or was emptied");
  }

  /** What an answer of the token means to a caller. */
  static KeyFault fault(String what, CryptokiException e) {
    String message = what + ": " + e.getMessage();
    return switch (e.kind()) {
      case SESSION, DEVICE, LOGIN, BUSY -> new KeyFault.Unavailable(message, e);
      case PIN, PERMANENT -> new KeyFault.Failed(message, e);
    };
  }
}
