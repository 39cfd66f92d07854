package dev.vouchsafe.attestation;

import java.util.List;
import org.jspecify.annotations.Nullable;

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

  /** A definite no counts more than "can't tell", and the first of a kind more than the others. */
  static @Nullable Doubt worse(@Nullable Doubt one, @Nullable Doubt other) {
    if (one == null) {
      return other;
    }
    return other != null && other.definite() && !one.definite() ? other : one;
  }

  Verdict verdict(List<SelectorResult> results) {
    return definite
        ? new Verdict.Refused(code, detail, results)
        : new Verdict.Unavailable(code, detail, results);
  }
}
