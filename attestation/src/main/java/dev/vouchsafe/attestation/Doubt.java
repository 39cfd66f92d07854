package dev.vouchsafe.attestation;

import java.util.List;

/**
 * Why a caller can't be attested.
 *
 * @param definite whether it is refused; otherwise it could not be told now
 */
record Doubt(boolean definite, String code, String detail) {
  static Doubt refused(String code, String detail) {
    return new Doubt(true, code, detail);
  }

  static Doubt unavailable(String code, String detail) {
    return new Doubt(false, code, detail);
  }

  Verdict verdict(List<SelectorResult> results) {
    return definite
        ? new Verdict.Refused(code, detail, results)
        : new Verdict.Unavailable(code, detail, results);
  }
}
