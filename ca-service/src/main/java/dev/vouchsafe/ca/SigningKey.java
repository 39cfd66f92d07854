package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyFault;
import java.util.Optional;
import javax.security.auth.x500.X500Principal;

/** An authority's key, wherever it is: it signs what the ledger knows, and nothing else. */
interface SigningKey {
  /**
   * Makes sure that it is there.
   *
   * @throws KeyFault.Unavailable if its store is away
   * @throws KeyFault.Failed if its store has no such key, or another one under its label
   */
  void find() throws KeyFault;

  /** Whether it may be used; if so, it is not destroyed before it is let go. */
  default boolean hold() {
    return true;
  }

  /** Ends one {@link #hold}. */
  default void letGo() {}

  /** Forgets it, if it is in memory only, after those who hold it have let it go. */
  default void destroy() {}

  /** Where signing waits for its turn, unless it is quick. */
  default Optional<SigningLane> lane() {
    return Optional.empty();
  }

  /**
   * Signs what the intent is about; the signature was verified.
   *
   * @throws IssuanceException {@link Reason#KEY_STORE_UNAVAILABLE} if the key is away, {@link
   *     Reason#SIGNATURE_FAILED} if it failed or signed wrongly
   */
  byte[] sign(Ledger.DurableIntent intent) throws IssuanceException;

  /**
   * Has the key, looked for anew, sign a certification request (RFC 2986) of its own, which nobody
   * gets: a CA key signs X.509 structures only, in a trial as well.
   *
   * @return where the key is, for people
   */
  String prove(X500Principal subject) throws KeyFault;
}
