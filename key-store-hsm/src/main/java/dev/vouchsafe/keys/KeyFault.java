package dev.vouchsafe.keys;

/**
 * Why a key store did not do what it was asked. The two kinds are kept apart up to the wire: what
 * may pass is answered "unavailable", what will not is answered "failed" and names what to change.
 */
public sealed class KeyFault extends Exception {
  private static final long serialVersionUID = 1L;

  private KeyFault(String message, Throwable cause) {
    super(message, cause);
  }

  private KeyFault(String message) {
    super(message);
  }

  /** The store is away, locked or busy: the same call may succeed later. */
  public static final class Unavailable extends KeyFault {
    private static final long serialVersionUID = 1L;

    public Unavailable(String message, Throwable cause) {
      super(message, cause);
    }

    public Unavailable(String message) {
      super(message);
    }
  }

  /**
   * The call will fail again until a person changes something: a wrong passphrase, a damaged file,
   * a label already taken. The message names the file or setting, and never a secret.
   */
  public static final class Failed extends KeyFault {
    private static final long serialVersionUID = 1L;

    public Failed(String message, Throwable cause) {
      super(message, cause);
    }

    public Failed(String message) {
      super(message);
    }
  }
}
