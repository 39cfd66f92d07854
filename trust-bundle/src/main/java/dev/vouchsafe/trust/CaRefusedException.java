package dev.vouchsafe.trust;

/** What an operator gave is not taken into the trust bundle, or out of it; nothing was changed. */
public final class CaRefusedException extends Exception {
  private static final long serialVersionUID = 1;

  /** Why, each with the code that is published. */
  public enum Reason {
    /** It is not PEM, holds something else than certificates, or too many or too large ones. */
    FILE("bundle-file"),
    /** There is a private key in it. */
    PRIVATE_KEY("bundle-private-key"),
    /** One of them is no CA. */
    NOT_A_CA("bundle-not-a-ca"),
    /** The key of one of them is too weak or of a kind that isn't known. */
    WEAK_KEY("bundle-weak-key"),
    /** One of them has expired, or is not valid yet. */
    NOT_VALID("bundle-not-valid"),
    /** One of them is in the bundle already, or comes twice. */
    DUPLICATE("bundle-duplicate"),
    /** One of them is an authority of this gateway. */
    OWN("bundle-own-authority"),
    /** There is no room. */
    FULL("bundle-full"),
    /** There is none of that id. */
    UNKNOWN("bundle-unknown"),
    /** There are several that the short id fits. */
    AMBIGUOUS("bundle-ambiguous"),
    /** It stands in the configuration. */
    CONFIGURED("bundle-configured");

    private final String code;

    Reason(String code) {
      this.code = code;
    }

    /** The stable code; docs/errors.md lists them. */
    public String code() {
      return code;
    }
  }

  private final Reason reason;

  /**
   * @param message what is wrong and what to do next; it has no secret and nothing of the file but
   *     subjects and labels
   */
  public CaRefusedException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }
}
