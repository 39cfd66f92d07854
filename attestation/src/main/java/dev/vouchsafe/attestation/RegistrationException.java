package dev.vouchsafe.attestation;

/** A registration, or a change to the folder of registrations, that was not taken. */
public final class RegistrationException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String code;

  /**
   * @param code a stable code, such as {@code weak-registration}
   * @param message what is wrong, where, and what to change
   */
  public RegistrationException(String code, String message) {
    super(message);
    this.code = code;
  }

  /** A stable code, for programs. */
  public String code() {
    return code;
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
