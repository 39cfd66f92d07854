package dev.vouchsafe.ca.clock;

/** The machine's clock shows a time at which this program had not been built. */
public final class ImpossibleTimeException extends Exception {
  private static final long serialVersionUID = 1L;

  public ImpossibleTimeException(String message) {
    super(message);
  }
}
