package dev.vouchsafe.keys;

import java.security.SecureRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Goes from a URI to a connection: library, token, flags, one login, sealing key. */
final class TokenOpener implements TokenLink.Opener {
  /** Finds or makes the sealing key. */
  interface SealingKey {
    long in(CryptokiSession session, TokenInfo token) throws KeyFault, CryptokiException;
  }

  /** After so long it counts as hung: a network HSM may look for its way for a while. */
  private static final long OPENING = TimeUnit.SECONDS.toNanos(30);

  private final Pkcs11Uri uri;
  private final SecureFiles files;
  private final LongSupplier nanos;
  private final TokenPin pin;
  private final boolean known;
  private final SealingKey sealingKey;
  private volatile @Nullable CryptokiLibrary library;
  private volatile @Nullable TokenInfo seen;

  /**
   * @param nanos a clock for durations
   * @param known whether the token was there before, so that it may come back if it is away
   */
  TokenOpener(
      Pkcs11Uri uri,
      SecureFiles files,
      SecureRandom random,
      LongSupplier nanos,
      boolean known,
      SealingKey sealingKey) {
    this.uri = uri;
    this.files = files;
    this.nanos = nanos;
    this.pin = new TokenPin(uri.pinSource(), files, random);
    this.known = known;
    this.sealingKey = sealingKey;
  }

  /** The token as it was when it was last there. */
  @Nullable TokenInfo seen() {
    return seen;
  }

  @Override
  public TokenConnection open() throws KeyFault {
    CryptokiLibrary entered = library();
    LibraryCalls.Call call = entered.calls().begin(nanos, OPENING);
    try {
      return open(entered);
    } catch (CryptokiException e) {
      throw fault("token " + uri.tokenNamed() + " (module-path " + uri.modulePath() + ")", e);
    } finally {
      call.end();
    }
  }

  private TokenConnection open(CryptokiLibrary entered) throws KeyFault, CryptokiException {
    Cryptoki cryptoki = entered.enter();
    boolean kept = false;
    try {
      TokenConnection connection = connect(entered, cryptoki);
      kept = true;
      return connection;
    } finally {
      if (!kept) {
        entered.leave();
      }
    }
  }

  /** Loaded once: what becomes of the file later doesn't matter to us. */
  private CryptokiLibrary library() throws KeyFault {
    CryptokiLibrary known = library;
    if (known == null) {
      known = CryptokiLibrary.at(uri.modulePath(), files);
      library = known;
    }
    return known;
  }

  private TokenConnection connect(CryptokiLibrary entered, Cryptoki cryptoki)
      throws KeyFault, CryptokiException {
    TokenSearch search = new TokenSearch(cryptoki, uri, known);
    TokenInfo token = search.one();
    seen = token;
    search.checkBeforeLogin(token);
    boolean writing = !token.is(Ck.CKF_WRITE_PROTECTED);
    CryptokiSession session = CryptokiSession.open(cryptoki, token.slot(), writing);
    boolean kept = false;
    try {
      pin.login(session, token);
      long key = sealingKey.in(session, token);
      TokenConnection connection =
          new TokenConnection(entered, cryptoki, token, session, key, nanos);
      kept = true;
      return connection;
    } finally {
      if (!kept) {
        session.close();
      }
    }
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
      case LOST, BUSY -> new KeyFault.Unavailable(message, e);
      case PIN, PERMANENT -> new KeyFault.Failed(message, e);
    };
  }
}
