package dev.vouchsafe.keys;

/**
 * Whether a key store can be used just now, as far as its last calls showed.
 *
 * @param state where it stands
 * @param reason why it isn't up, for people, with what to do; empty if it is up
 */
public record KeyStoreHealth(State state, String reason) {
  /** Nothing is wrong. */
  public static final KeyStoreHealth UP = new KeyStoreHealth(State.UP, "");

  /** Where a key store stands. */
  public enum State {
    /** Open: the last call that reached it worked. */
    UP,
    /** A call failed in a way that may be the end of the session, the device or the login. */
    SUSPECT,
    /** It is being opened anew. */
    REOPENING,
    /** It is there and lets nobody in: a PIN or an auth value was refused, or is locked out. */
    LOCKED,
    /** It isn't there, or another one is in its place. */
    GONE
  }
}
