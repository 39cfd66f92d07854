package dev.vouchsafe.audit;

/** Something can't be recorded, or signed, now; it may be later. */
public final class AuditUnavailableException extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what stands in the way, for the administrator
   */
  public AuditUnavailableException(String message) {
    super(message);
  }

  /**
   * @param message what stands in the way, for the administrator
   */
  public AuditUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
