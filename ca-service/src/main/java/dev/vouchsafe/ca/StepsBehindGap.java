package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * The steps of administrators, none of which can be taken while the ledger has a gap that nobody
 * accepted: what it says of the authorities is how they stood once. What may be done then is to
 * accept it, which takes the one step that is right by itself; or to have others certify the next
 * device CA, without which it can't be accepted.
 */
record StepsBehindGap(AuthorityChanges steps, GapLedger gaps) implements AuthorityChanges {
  @Override
  public AuthorityChanges by(String actor) {
    return new StepsBehindGap(steps.by(actor), gaps);
  }

  @Override
  public StepTaken prepare(Role role, Optional<String> keyStore, boolean now)
      throws IssuanceException {
    gaps.requireNone();
    return steps.prepare(role, keyStore, now);
  }

  @Override
  public List<AuthorityRequest> requests() throws IssuanceException {
    return steps.requests();
  }

  /** Where others certify the device CA, there is no other way to a new one. */
  @Override
  public AuthorityRequest request(Optional<String> keyStore) throws IssuanceException {
    return steps.request(keyStore);
  }

  @Override
  public StepTaken accept(byte[] file, boolean now) throws IssuanceException {
    return steps.accept(file, now);
  }

  @Override
  public void giveUp(String id) throws IssuanceException {
    steps.giveUp(id);
  }

  @Override
  public AuthorityInfo publish(String id) throws IssuanceException {
    gaps.requireNone();
    return steps.publish(id);
  }

  @Override
  public StepTaken activate(String id, boolean now) throws IssuanceException {
    gaps.requireNone();
    return steps.activate(id, now);
  }

  @Override
  public StepTaken retire(String id, boolean now) throws IssuanceException {
    gaps.requireNone();
    return steps.retire(id, now);
  }

  @Override
  public AuthorityInfo abort(String id, Optional<AuthorityInfo.State> from)
      throws IssuanceException {
    gaps.requireNone();
    return steps.abort(id, from);
  }

  @Override
  public void rotate(Role role, Consumer<StepTaken> taken) throws IssuanceException {
    gaps.requireNone();
    steps.rotate(role, taken);
  }

  @Override
  public RotationStanding standing() throws IssuanceException {
    return steps.standing();
  }

  @Override
  public void listen(Consumer<RotationEvent> listener) {
    steps.listen(listener);
  }
}
