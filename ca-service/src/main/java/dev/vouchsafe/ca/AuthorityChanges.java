package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Moves authorities through their states, one step at a call, each durable when it returns and done
 * whole or not at all. One step is taken at a time: who comes meanwhile gets {@link
 * IssuanceException.Reason#AUTHORITY_UNAVAILABLE}. A step that can't be taken as things stand ends
 * with {@link IssuanceException.Reason#AUTHORITY_STATE}, which says what is to be done first.
 */
public interface AuthorityChanges {
  /** Who takes the steps that nobody asked for. */
  String AUTOMATIC = "automatic";

  /**
   * The same, taken by that one.
   *
   * @param actor for the journal, such as {@code uid 0}: at most 64 characters
   */
  AuthorityChanges by(String actor);

  /**
   * Makes the next generation of an authority in that key store, certified by the active root. It
   * signs nothing yet.
   *
   * @param keyStore name of the store, as {@link AuthorityStores} knows it; empty for the one that
   *     the configuration says now
   * @throws IssuanceException {@link IssuanceException.Reason#AUTHORITY_STATE} if one is prepared
   *     already
   */
  AuthorityInfo prepare(Role role, Optional<String> keyStore) throws IssuanceException;

  /**
   * Has the trust bundle hold a prepared root, so that those who verify can fetch it before it
   * issues. Of a root only.
   *
   * @param id such as {@code root-2}
   */
  AuthorityInfo publish(String id) throws IssuanceException;

  /** {@link #activate(String, boolean)}, which waits for all that it has to wait for. */
  default AuthorityInfo activate(String id) throws IssuanceException {
    return activate(id, false).authority();
  }

  /**
   * Lets a prepared authority sign in place of the active one, which retires. If it is in another
   * key store, all that the old store sealed (masters, token keys) is sealed by the new one in the
   * same step. A root takes over together with a device CA under it, and waits until every reader
   * of the trust bundle that was heard of within five refresh times has fetched it.
   *
   * @param id such as {@code device-2}
   * @param now whether not to wait for those who would break
   */
  StepTaken activate(String id, boolean now) throws IssuanceException;

  /**
   * Ends a retiring authority under which nothing lives any more.
   *
   * @param id such as {@code device-1}
   * @param now whether to do it though something lives
   */
  StepTaken retire(String id, boolean now) throws IssuanceException;

  /**
   * Gives a prepared authority up. Of an active one, which another retires for, goes back: that one
   * signs again, and this one retires.
   */
  AuthorityInfo abort(String id) throws IssuanceException;

  /**
   * Takes every step of a rotation that can be taken now. A rotation that waits for the old
   * authority's end is not followed by another.
   *
   * @return what each did, in their order; empty if all there is to do is to wait
   */
  List<StepTaken> rotate(Role role) throws IssuanceException;

  /** How the authorities stand, and what is to come. Changes nothing. */
  RotationStanding standing() throws IssuanceException;

  /**
   * Has that one told, from now on, of each step that the service took by itself, or tried to. On a
   * thread of its own.
   */
  void listen(Consumer<RotationEvent> listener);
}
