package dev.vouchsafe.ca;

import java.util.Optional;

/**
 * Moves authorities through their states, one step at a call, each durable when it returns and done
 * whole or not at all. One step is taken at a time: who comes meanwhile gets {@link
 * IssuanceException.Reason#AUTHORITY_UNAVAILABLE}.
 */
public interface AuthorityChanges {
  /**
   * Makes the next generation of an authority in that key store, certified by the active root. It
   * signs nothing yet.
   *
   * @param keyStore name of the store, as {@link AuthorityStores} knows it; empty for the one that
   *     the configuration says now
   * @throws IssuanceException {@link IssuanceException.Reason#AUTHORITY_STATE} if one is prepared
   *     already
   */
  AuthorityInfo prepare(AuthorityInfo.Role role, Optional<String> keyStore)
      throws IssuanceException;

  /**
   * Lets a prepared authority sign in place of the active one, which retires. If it is in another
   * key store, all that the old store sealed (masters, token keys) is sealed by the new one in the
   * same step.
   *
   * @param id such as {@code device-2}
   */
  AuthorityInfo activate(String id) throws IssuanceException;

  /** Gives a prepared authority up. */
  AuthorityInfo abort(String id) throws IssuanceException;
}
