package dev.vouchsafe.keys;

import java.util.Optional;

/** A call of tpm2-tools that did not do what it was asked: the program's way of saying no. */
final class TpmException extends Exception {
  private static final long serialVersionUID = 1L;

  private final TpmRc.Kind kind;
  private final transient Optional<TpmAuth> auth;

  /**
   * @param auth the auth value that the call gave, or would have
   */
  TpmException(TpmRc.Kind kind, String message, Optional<TpmAuth> auth) {
    super(message);
    this.kind = kind;
    this.auth = auth;
  }

  TpmException(TpmRc.Kind kind, String message) {
    this(kind, message, Optional.empty());
  }

  TpmRc.Kind kind() {
    return kind;
  }

  boolean is(TpmRc.Kind other) {
    return kind == other;
  }

  Optional<TpmAuth> auth() {
    return auth;
  }
}
