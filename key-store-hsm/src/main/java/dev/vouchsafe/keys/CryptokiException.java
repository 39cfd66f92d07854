package dev.vouchsafe.keys;

/** A PKCS#11 function answered with something else than CKR_OK. */
final class CryptokiException extends Exception {
  private static final long serialVersionUID = 1L;

  private final long code;

  CryptokiException(Cryptoki.Function function, long code) {
    super(function.text() + " answers " + Ckr.name(code));
    this.code = code;
  }

  boolean is(Ckr answer) {
    return answer.is(code);
  }

  Ckr.Kind kind() {
    return Ckr.kind(code);
  }
}
