package dev.vouchsafe.ca;

/**
 * An authority from outside can't be taken: its file, key or chain is wrong. The message says what
 * is wrong and what to change; it never tells of a private key or a passphrase.
 */
public final class OutsideException extends Exception {
  private static final long serialVersionUID = 1L;

  OutsideException(String message) {
    super(message);
  }

  OutsideException(String message, Throwable cause) {
    super(message, cause);
  }
}
