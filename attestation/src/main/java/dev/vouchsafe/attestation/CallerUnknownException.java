package dev.vouchsafe.attestation;

/** The kernel can't name the process behind a connection, so nothing can be said of it. */
public final class CallerUnknownException extends Exception {
  private static final long serialVersionUID = 1L;

  public CallerUnknownException(String message) {
    super(message);
  }
}
