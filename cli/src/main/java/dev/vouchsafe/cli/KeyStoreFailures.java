package dev.vouchsafe.cli;

import dev.vouchsafe.ca.IssuanceException;
import dev.vouchsafe.keys.KeyFault;

/**
 * Tells what came from a key store from what went wrong elsewhere, however often it was passed on.
 */
final class KeyStoreFailures {
  private KeyStoreFailures() {}

  /** Whether that was because a key store is away: it may pass. */
  static boolean tellsOfAbsence(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof KeyFault.Unavailable
          || (cause instanceof IssuanceException issuing
              && issuing.reason() == IssuanceException.Reason.KEY_STORE_UNAVAILABLE)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a key store is why: it is away, or can't do what it must. */
  static boolean isOne(Throwable thrown) {
    for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
      if (cause instanceof KeyFault
          || (cause instanceof IssuanceException issuing
              && issuing.reason() == IssuanceException.Reason.SIGNATURE_FAILED)) {
        return true;
      }
    }
    return tellsOfAbsence(thrown);
  }
}
