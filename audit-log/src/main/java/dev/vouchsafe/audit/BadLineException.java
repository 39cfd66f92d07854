package dev.vouchsafe.audit;

/** Octets that are no line of a log. */
final class BadLineException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what is wrong with them, without the octets
   */
  BadLineException(String message) {
    super(message, null, false, false);
  }
}
