package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Gives whatever went wrong the one form in which it is answered. */
final class Failures {
  private static final System.Logger LOG = System.getLogger(Failures.class.getName());

  private Failures() {}

  /**
   * What a caller is told.
   *
   * @param failure what a future ended with
   * @param what the thing that was being made, for the log and the answer
   * @param otherwise the reason where it is a bug of ours
   */
  static IssuanceException answer(@Nullable Throwable failure, String what, Reason otherwise) {
    Throwable cause =
        failure instanceof CompletionException wrapped && wrapped.getCause() != null
            ? wrapped.getCause()
            : failure;
    if (cause instanceof IssuanceException known) {
      return known;
    }
    if (cause instanceof RejectedExecutionException) {
      return new IssuanceException(
          Reason.AUTHORITY_UNAVAILABLE, "the service takes no more work", cause);
    }
    if (cause instanceof TimeoutException) {
      return new IssuanceException(
          Reason.KEY_STORE_UNAVAILABLE, "the key store does not answer", cause);
    }
    LOG.log(System.Logger.Level.ERROR, "making " + what + " failed unexpectedly", cause);
    return new IssuanceException(
        otherwise, what + " could not be made", new IllegalStateException(cause));
  }

  /**
   * What an administrator is told of a key store's fault: all that it says, since that names the
   * setting to change.
   */
  static IssuanceException told(KeyFault fault) {
    return fault instanceof KeyFault.Unavailable
        ? new IssuanceException(
            Reason.KEY_STORE_UNAVAILABLE, "the key store is away: " + fault.getMessage(), fault)
        : new IssuanceException(Reason.SIGNATURE_FAILED, String.valueOf(fault.getMessage()), fault);
  }

  /** What went wrong with all its causes, for a person who can see to them. */
  static String words(Throwable failure) {
    StringBuilder words = new StringBuilder(String.valueOf(failure.getMessage()));
    for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
      String said = cause.getMessage();
      if (said != null && words.indexOf(said) < 0) {
        words.append(": ").append(said);
      }
    }
    return words.toString();
  }
}
