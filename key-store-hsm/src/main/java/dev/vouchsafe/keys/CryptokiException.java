package dev.vouchsafe.keys;

/** A PKCS#11 function answered with something else than CKR_OK. */
final class CryptokiException extends Exception {
  private static final long serialVersionUID = 1L;

  private final long code;

  private CryptokiException(String message, Ckr code) {
    super(message);
    this.code = code.code();
  }

  CryptokiException(Cryptoki.Function function, long code) {
    super(function.text() + " answers " + Ckr.name(code) + hint(function, code));
    this.code = code;
  }

  /** A session isn't that of the user any more, who was logged in. */
  static CryptokiException loggedOut() {
    return new CryptokiException("the token has logged us out", Ckr.USER_NOT_LOGGED_IN);
  }

  /** The same, found out by what failed. */
  static CryptokiException loggedOut(CryptokiException failed) {
    CryptokiException e =
        new CryptokiException(
            failed.getMessage() + ": the token is lost, or has logged us out",
            Ckr.USER_NOT_LOGGED_IN);
    e.initCause(failed);
    return e;
  }

  /** Tokens that can't keep a new object say so in words that mean anything. */
  private static String hint(Cryptoki.Function function, long code) {
    return switch (function) {
      case GENERATE_KEY, GENERATE_KEY_PAIR ->
          Ckr.kind(code).isLost() ? " (is the token full, or read-only?)" : "";
      default -> "";
    };
  }

  boolean is(Ckr answer) {
    return answer.is(code);
  }

  Ckr.Kind kind() {
    return Ckr.kind(code);
  }
}
