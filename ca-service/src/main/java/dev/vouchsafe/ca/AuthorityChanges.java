package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import java.util.ArrayList;
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
  default AuthorityInfo prepare(Role role, Optional<String> keyStore) throws IssuanceException {
    return prepare(role, keyStore, false).authority();
  }

  /**
   * The same; but a root is made also if the active one can't vouch for it, since it has ended or
   * its key does not sign. Then those who know only that one can't follow, and are told of.
   *
   * @param now whether to do without the active root's word where it can't be had; of a device CA,
   *     which needs it, that changes nothing
   */
  StepTaken prepare(Role role, Optional<String> keyStore, boolean now) throws IssuanceException;

  /** The device CAs that wait for certificates which others are to make; one at most. */
  List<AuthorityRequest> requests() throws IssuanceException;

  /**
   * Makes the key of the next device CA, and a request for its certificate: of a CA whose root is
   * elsewhere, in the place of {@link #prepare}.
   *
   * @param keyStore as above
   */
  AuthorityRequest request(Optional<String> keyStore) throws IssuanceException;

  /**
   * Takes the certificate that others made for the request that waits, and lets that device CA sign
   * in place of the active one, which retires.
   *
   * @param file the certificate and those over it, up to one that is signed by itself: PEM, in any
   *     order, at most 128 KiB
   * @param now whether not to wait until those who verify know the one at the top
   * @throws IssuanceException {@link IssuanceException.Reason#REQUEST_INVALID} if it is not what
   *     was asked for, or would not be believed
   */
  StepTaken accept(byte[] file, boolean now) throws IssuanceException;

  /**
   * Gives up a request that waits.
   *
   * @param id of the authority whose certificate it is for
   */
  void giveUp(String id) throws IssuanceException;

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
   * @param now whether not to wait for those who would break, and to believe a clock in doubt
   */
  StepTaken activate(String id, boolean now) throws IssuanceException;

  /**
   * Ends a retiring authority under which nothing lives any more. For a minute after it signed its
   * last that can't be told, and {@link IssuanceException.Reason#AUTHORITY_WAITS} says for how
   * long.
   *
   * @param id such as {@code device-1}
   * @param now whether to do it though something lives
   */
  StepTaken retire(String id, boolean now) throws IssuanceException;

  /** {@link #abort(String, Optional)} of one that has not signed yet, in whatever state that is. */
  default AuthorityInfo abort(String id) throws IssuanceException {
    return abort(id, Optional.empty());
  }

  /**
   * Gives a prepared or published authority up. Of an active one, which another retires for, goes
   * back: that one signs again, and this one retires.
   *
   * @param from the state in which whoever asks has seen it; empty for any in which it has not
   *     signed yet. If it is in another by now, nothing is done: to give up what is prepared is not
   *     to take back what signs
   */
  AuthorityInfo abort(String id, Optional<AuthorityInfo.State> from) throws IssuanceException;

  /**
   * {@link #rotate(Role, Consumer)}.
   *
   * @return what each did, in their order; empty if all there is to do is to wait
   */
  default List<StepTaken> rotate(Role role) throws IssuanceException {
    List<StepTaken> taken = new ArrayList<>();
    rotate(role, taken::add);
    return List.copyOf(taken);
  }

  /**
   * Takes every step of a rotation that can be taken now. A rotation that waits for the old
   * authority's end is not followed by another.
   *
   * @param taken told of each that is done, which stands also if the next one fails
   */
  void rotate(Role role, Consumer<StepTaken> taken) throws IssuanceException;

  /** How the authorities stand, and what is to come. Changes nothing. */
  RotationStanding standing() throws IssuanceException;

  /**
   * Has that one told, from now on, of each step that the service took by itself, or tried to and
   * failed for another reason than the time before; and of how a step ended for which whoever asked
   * had stopped to wait. On a thread of its own.
   */
  void listen(Consumer<RotationEvent> listener);
}
