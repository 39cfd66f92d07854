package dev.vouchsafe.attestation;

/**
 * How one selector fared, for the administrator; a caller never sees it.
 *
 * @param wanted the selector as written
 * @param measured what was found, for people
 * @param outcome whether it holds
 */
public record SelectorResult(String wanted, String measured, Outcome outcome) {
  /** Whether a selector holds. */
  public enum Outcome {
    HOLDS,
    DOES_NOT_HOLD,
    /** Could not be measured now: neither holds nor doesn't. */
    UNAVAILABLE
  }
}
