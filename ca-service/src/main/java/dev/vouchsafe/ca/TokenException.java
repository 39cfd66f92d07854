package dev.vouchsafe.ca;

/** Why a token was not accepted. */
public final class TokenException extends Exception {
  private static final long serialVersionUID = 1L;

  /** The reasons. */
  public enum Reason {
    /** It is no token of ours in form: too long, not JWS compact, not JSON, a claim is missing. */
    MALFORMED,
    /** It is not signed by ES256. */
    ALGORITHM,
    /** None of the keys has its key id. */
    UNKNOWN_KEY,
    /** Its signature does not verify. */
    SIGNATURE,
    /** Its time is over. */
    EXPIRED,
    /** It was issued in the future, or may not be used yet. */
    NOT_YET_VALID,
    /** It is for somebody else. */
    AUDIENCE
  }

  private final Reason reason;

  TokenException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
