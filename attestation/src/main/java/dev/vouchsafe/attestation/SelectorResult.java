package dev.vouchsafe.attestation;

/**
 * How one selector fared, for the administrator; a caller never sees it.
 *
 * @param wanted the selector as written
 * @param measured what was found, for people
 * @param outcome whether it holds
 * @param part where in the registration it stands: {@code selectors}, {@code any 1} and so on for
 *     the alternatives, or {@code not}, where it may not hold
 */
public record SelectorResult(String wanted, String measured, Outcome outcome, String part) {
  static final String SELECTORS = "selectors";
  static final String ANY = "any ";
  static final String NOT = "not";

  /** Of one that must hold. */
  public SelectorResult(String wanted, String measured, Outcome outcome) {
    this(wanted, measured, outcome, SELECTORS);
  }

  /** Whether a selector holds. */
  public enum Outcome {
    HOLDS,
    DOES_NOT_HOLD,
    /** Could not be measured now, or not at all in {@code not}: neither holds nor doesn't. */
    UNAVAILABLE
  }
}
