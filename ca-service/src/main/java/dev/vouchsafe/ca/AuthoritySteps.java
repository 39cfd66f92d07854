package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.RotationEvent.Outcome;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Takes authorities from one state to the next, in one actor's name. */
final class AuthoritySteps implements AuthorityChanges {
  /** A slow token seals and unseals a few secrets in this time. */
  private static final Duration ACTIVATION_WAITS = Duration.ofSeconds(60);

  /** A slow token makes an RSA key in two minutes. */
  private static final Duration PREPARATION_WAITS = Duration.ofSeconds(150);

  /** And a root has a device CA made under it. */
  private static final Duration ROOT_PREPARATION_WAITS = Duration.ofSeconds(170);

  private static final int LONGEST_ACTOR = 64;

  private final AuthorityParts parts;
  private final StepRunner runner;
  private final DeviceSteps device;
  private final RootSteps root;
  private final OutsideDevices outside;
  private final RotationPlanner planner;
  private final Announced announced;
  private final String actor;

  private AuthoritySteps(
      AuthorityParts parts,
      StepRunner runner,
      DeviceSteps device,
      RootSteps root,
      OutsideDevices outside,
      RotationPlanner planner,
      Announced announced,
      String actor) {
    this.parts = parts;
    this.runner = runner;
    this.device = device;
    this.root = root;
    this.outside = outside;
    this.planner = planner;
    this.announced = announced;
    this.actor = actor;
  }

  /** The steps on those authorities, taken by nobody in particular. */
  static AuthoritySteps of(AuthorityParts parts, RotationSettings settings, UnderWay underWay) {
    RotationLedger ledger = parts.ledger().rotation();
    RotationJournal journal = new RotationJournal(ledger, parts.clock(), parts.pace().intentWait());
    JustStopped stopped = new JustStopped(parts.pace());
    DeviceSteps device = new DeviceSteps(parts, journal, stopped);
    return new AuthoritySteps(
        parts,
        new StepRunner(parts, underWay),
        device,
        new RootSteps(parts, journal, stopped),
        new OutsideDevices(parts, device, journal),
        new RotationPlanner(parts, settings, stopped),
        new Announced(),
        "");
  }

  @Override
  public AuthoritySteps by(String other) {
    if (other.length() > LONGEST_ACTOR) {
      throw new IllegalArgumentException("an actor has at most 64 characters");
    }
    return new AuthoritySteps(parts, runner, device, root, outside, planner, announced, other);
  }

  /** Takes one step; how it ends is told where whoever asked doesn't wait for it any more. */
  private StepTaken alone(
      RotationStep step, Role role, String id, Duration longest, StepRunner.Step<StepTaken> wanted)
      throws IssuanceException {
    return runner.alone(
        longest,
        wanted,
        (taken, failure) -> late(step, role, taken == null ? id : taken.authority().id(), failure));
  }

  private void late(RotationStep step, Role role, String id, @Nullable Throwable failure) {
    Outcome outcome = failure == null ? Outcome.DONE : Outcome.FAILED;
    announced.tell(new RotationEvent(parts.clock().instant(), role, id, step, actor, outcome));
  }

  static Role role(String id) {
    return id.startsWith("root-") ? Role.ROOT : Role.DEVICE;
  }

  @Override
  public StepTaken prepare(Role role, Optional<String> keyStore, boolean now)
      throws IssuanceException {
    return switch (role) {
      case DEVICE ->
          alone(
              RotationStep.PREPARE,
              role,
              "",
              PREPARATION_WAITS,
              chain -> device.prepare(chain, keyStore, actor).thenApply(StepTaken::whole));
      case ROOT ->
          alone(
              RotationStep.PREPARE,
              role,
              "",
              ROOT_PREPARATION_WAITS,
              chain -> root.prepare(chain, keyStore, now, actor));
      case ISSUING -> throw noStep("an issuing CA is made by itself");
    };
  }

  @Override
  public List<AuthorityRequest> requests() throws IssuanceException {
    return outside.requests();
  }

  @Override
  public AuthorityRequest request(Optional<String> keyStore) throws IssuanceException {
    return runner.alone(
        PREPARATION_WAITS,
        chain -> outside.request(chain, keyStore, actor),
        (made, failure) ->
            late(RotationStep.PREPARE, Role.DEVICE, made == null ? "" : made.id(), failure));
  }

  @Override
  public StepTaken accept(byte[] file, boolean now) throws IssuanceException {
    return alone(
        RotationStep.ACTIVATE,
        Role.DEVICE,
        "",
        ACTIVATION_WAITS,
        chain -> outside.accept(chain, file, now, actor));
  }

  @Override
  public void giveUp(String id) throws IssuanceException {
    AuthorityRow _ =
        runner.alone(
            ACTIVATION_WAITS,
            chain -> outside.giveUp(id, actor),
            (given, failure) -> late(RotationStep.ABORT, Role.DEVICE, id, failure));
  }

  @Override
  public AuthorityInfo publish(String id) throws IssuanceException {
    return alone(
            RotationStep.PUBLISH,
            role(id),
            id,
            ACTIVATION_WAITS,
            chain -> {
              StoredAuthority known = find(chain, id);
              if (known.row().role() != Role.ROOT) {
                throw noStep("only a root is published: " + id + " travels in the chains");
              }
              return root.publish(chain, known, actor).thenApply(StepTaken::whole);
            })
        .authority();
  }

  @Override
  public StepTaken activate(String id, boolean now) throws IssuanceException {
    return alone(
        RotationStep.ACTIVATE,
        role(id),
        id,
        PREPARATION_WAITS,
        chain -> {
          StoredAuthority known = find(chain, id);
          return known.row().role() == Role.ROOT
              ? root.activate(chain, known, now, actor)
              : device.activate(chain, known, now, actor);
        });
  }

  @Override
  public StepTaken retire(String id, boolean now) throws IssuanceException {
    return alone(
        RotationStep.RETIRE,
        role(id),
        id,
        ACTIVATION_WAITS,
        chain -> {
          StoredAuthority known = find(chain, id);
          return known.row().role() == Role.ROOT
              ? root.retire(chain, known, now, actor)
              : device.retire(chain, known, now, actor);
        });
  }

  @Override
  public AuthorityInfo abort(String id, Optional<State> from) throws IssuanceException {
    return alone(
            RotationStep.ABORT,
            role(id),
            id,
            ACTIVATION_WAITS,
            chain -> {
              StoredAuthority known = find(chain, id);
              requireMeant(known, from);
              return (known.row().role() == Role.ROOT
                      ? root.abort(chain, known, actor)
                      : device.abort(chain, known, actor))
                  .thenApply(StepTaken::whole);
            })
        .authority();
  }

  private static void requireMeant(StoredAuthority known, Optional<State> from)
      throws IssuanceException {
    if (from.isPresent()) {
      DeviceSteps.require(known, from.get());
    } else if (known.row().state() == State.ACTIVE) {
      throw noStep(
          known.row().id()
              + " is active: to go back to the one before it is another step than to give up what"
              + " is prepared; see `vouchsafe ca status`");
    }
  }

  private static StoredAuthority find(AuthorityChain chain, String id) throws IssuanceException {
    Optional<StoredAuthority> known = chain.find(id);
    if (known.isEmpty()) {
      List<String> ids = chain.all().stream().map(it -> it.row().id()).toList();
      throw noStep(
          "there is no authority " + NameSyntax.quoted(id) + ", only " + String.join(", ", ids));
    }
    return known.get();
  }

  private static IssuanceException noStep(String why) {
    return new IssuanceException(Reason.AUTHORITY_STATE, why);
  }

  @Override
  public void rotate(Role role, Consumer<StepTaken> taken) throws IssuanceException {
    List<StoredAuthority> retiring = parts.issuers().chain().in(role, State.RETIRING);
    for (StoredAuthority ending : retiring) {
      if (planner.canRetire(ending)) {
        taken.accept(retire(ending.row().id(), false));
      }
    }
    // Where others certify the next one, all there is to do is to wait for a person.
    boolean outside = parts.issuers().chain().root().row().isOutside();
    if (retiring.isEmpty() && !outside) {
      String id = next(role, taken);
      if (role == Role.ROOT ? planner.rootIsReady(id) : planner.deviceIsReady(id)) {
        taken.accept(activate(id, false));
      }
    }
  }

  /** The one that is to take over, prepared and published now if it isn't yet. */
  private String next(Role role, Consumer<StepTaken> taken) throws IssuanceException {
    Optional<StoredAuthority> known = planner.next(role);
    String id;
    State state;
    if (known.isPresent()) {
      id = known.get().row().id();
      state = known.get().row().state();
    } else {
      AuthorityInfo prepared = prepare(role, Optional.empty());
      taken.accept(StepTaken.whole(prepared));
      id = prepared.id();
      state = prepared.state();
    }
    if (role == Role.ROOT && state == State.PREPARED && parts.clock().isCertain()) {
      taken.accept(StepTaken.whole(publish(id)));
    }
    return id;
  }

  @Override
  public RotationStanding standing() throws IssuanceException {
    return planner.standing(announced.problem());
  }

  @Override
  public void listen(Consumer<RotationEvent> listener) {
    announced.listen(listener);
  }

  /** Who takes the steps that are due. */
  AutomaticRotation automatic() {
    return new AutomaticRotation(parts, this, planner);
  }

  /** What the service does by itself is told there. */
  Announced announced() {
    return announced;
  }
}
