package dev.vouchsafe.attestation;

import org.jspecify.annotations.Nullable;

/**
 * What was found of one selector.
 *
 * @param measured what was found, for people
 * @param code a stable code that says more than "mismatch" or "unavailable", if there is one
 */
record Finding(SelectorResult.Outcome outcome, String measured, @Nullable String code) {
  static Finding of(boolean holds, String measured) {
    return new Finding(
        holds ? SelectorResult.Outcome.HOLDS : SelectorResult.Outcome.DOES_NOT_HOLD,
        measured,
        null);
  }

  static Finding of(Doubt doubt) {
    return doubt.definite()
        ? fails(doubt.code(), doubt.detail())
        : unavailable(doubt.code(), doubt.detail());
  }

  static Finding fails(String code, String measured) {
    return new Finding(SelectorResult.Outcome.DOES_NOT_HOLD, measured, code);
  }

  static Finding unavailable(String code, String measured) {
    return new Finding(SelectorResult.Outcome.UNAVAILABLE, measured, code);
  }

  /** This finding, for the administrator. */
  SelectorResult result(String wanted, String part) {
    return new SelectorResult(wanted, measured, outcome, part);
  }
}
