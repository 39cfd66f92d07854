package dev.vouchsafe.attestation;

import org.jspecify.annotations.Nullable;

/**
 * What was found of one selector.
 *
 * @param measured what was found, for people
 * @param code a stable code that says more than "mismatch" or "unavailable", if there is one
 * @param undecidable whether it doesn't hold because it can't be told of this caller, now or later:
 *     as little as it holds, it is sure not to
 */
record Finding(
    SelectorResult.Outcome outcome, String measured, @Nullable String code, boolean undecidable) {
  static Finding of(boolean holds, String measured) {
    return new Finding(
        holds ? SelectorResult.Outcome.HOLDS : SelectorResult.Outcome.DOES_NOT_HOLD,
        measured,
        null,
        false);
  }

  static Finding of(Doubt doubt) {
    return doubt.definite()
        ? undecidable(doubt.code(), doubt.detail())
        : unavailable(doubt.code(), doubt.detail());
  }

  /**
   * What will never be told of this caller. It holds neither where it must nor where it may not.
   */
  static Finding undecidable(String measured) {
    return undecidable("selector-mismatch", measured);
  }

  static Finding undecidable(String code, String measured) {
    return new Finding(SelectorResult.Outcome.DOES_NOT_HOLD, measured, code, true);
  }

  static Finding unavailable(String code, String measured) {
    return new Finding(SelectorResult.Outcome.UNAVAILABLE, measured, code, false);
  }

  /** This finding, for the administrator. */
  SelectorResult result(String wanted, String part) {
    boolean excluding = undecidable && part.equals(SelectorResult.NOT);
    return new SelectorResult(
        wanted,
        excluding ? "can't be told of this caller, which counts against it: " + measured : measured,
        excluding ? SelectorResult.Outcome.UNAVAILABLE : outcome,
        part);
  }
}
