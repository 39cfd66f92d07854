package dev.vouchsafe.ca;

/**
 * A profile that can't be: it contradicts itself, or asks for what no certificate of its kind gets.
 */
public final class ProfileException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String key;

  /**
   * @param key what is wrong in the profile, such as {@code keyUsage}
   * @param message what is wrong with it, and what is allowed
   */
  public ProfileException(String key, String message) {
    super(message);
    this.key = key;
  }

  /** The key of the profile that is wrong, such as {@code keyUsage}. */
  public String key() {
    return key;
  }
}
