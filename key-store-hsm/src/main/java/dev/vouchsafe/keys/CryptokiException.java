package dev.vouchsafe.keys;

/** A PKCS#11 function answered with something else than CKR_OK. */
final class CryptokiException extends Exception {
  private static final long serialVersionUID = 1L;

  private final long code;

  CryptokiException(Cryptoki.Function function, long code) {
    super(function.text() + " answers " + Ckr.name(code) + hint(function, code));
    this.code = code;
  }

  /** Tokens that can't keep a new object say so in words that mean anything. */
  private static String hint(Cryptoki.Function function, long code) {
    return switch (function) {
      case GENERATE_KEY, GENERATE_KEY_PAIR ->
          Ckr.kind(code) == Ckr.Kind.LOST ? " (is the token full, or read-only?)" : "";
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
