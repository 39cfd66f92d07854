package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

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
  private final RotationPlanner planner;
  private final Announced announced;
  private final String actor;

  private AuthoritySteps(
      AuthorityParts parts,
      StepRunner runner,
      DeviceSteps device,
      RootSteps root,
      RotationPlanner planner,
      Announced announced,
      String actor) {
    this.parts = parts;
    this.runner = runner;
    this.device = device;
    this.root = root;
    this.planner = planner;
    this.announced = announced;
    this.actor = actor;
  }

  /** The steps on those authorities, taken by nobody in particular. */
  static AuthoritySteps of(AuthorityParts parts, RotationSettings settings, UnderWay underWay) {
    RotationLedger ledger = parts.ledger().rotation();
    RotationJournal journal = new RotationJournal(ledger, parts.clock());
    return new AuthoritySteps(
        parts,
        new StepRunner(parts, underWay),
        new DeviceSteps(parts, journal),
        new RootSteps(parts, journal),
        new RotationPlanner(parts, settings),
        new Announced(),
        "");
  }

  @Override
  public AuthoritySteps by(String other) {
    if (other.length() > LONGEST_ACTOR) {
      throw new IllegalArgumentException("an actor has at most 64 characters");
    }
    return new AuthoritySteps(parts, runner, device, root, planner, announced, other);
  }

  @Override
  public AuthorityInfo prepare(Role role, Optional<String> keyStore) throws IssuanceException {
    return switch (role) {
      case DEVICE ->
          runner.alone(PREPARATION_WAITS, chain -> device.prepare(chain, keyStore, actor));
      case ROOT ->
          runner.alone(ROOT_PREPARATION_WAITS, chain -> root.prepare(chain, keyStore, actor));
      case ISSUING -> throw noStep("an issuing CA is made by itself");
    };
  }

  @Override
  public AuthorityInfo publish(String id) throws IssuanceException {
    return runner.alone(
        ACTIVATION_WAITS,
        chain -> {
          StoredAuthority known = find(chain, id);
          if (known.row().role() != Role.ROOT) {
            throw noStep("only a root is published: " + id + " travels in the chains");
          }
          return root.publish(chain, known, actor);
        });
  }

  @Override
  public StepTaken activate(String id, boolean now) throws IssuanceException {
    return runner.alone(
        PREPARATION_WAITS,
        chain -> {
          StoredAuthority known = find(chain, id);
          return known.row().role() == Role.ROOT
              ? root.activate(chain, known, now, actor)
              : device.activate(chain, known, actor);
        });
  }

  @Override
  public StepTaken retire(String id, boolean now) throws IssuanceException {
    return runner.alone(
        ACTIVATION_WAITS,
        chain -> {
          StoredAuthority known = find(chain, id);
          return known.row().role() == Role.ROOT
              ? root.retire(chain, known, now, actor)
              : device.retire(chain, known, now, actor);
        });
  }

  @Override
  public AuthorityInfo abort(String id) throws IssuanceException {
    return runner.alone(
        ACTIVATION_WAITS,
        chain -> {
          StoredAuthority known = find(chain, id);
          return known.row().role() == Role.ROOT
              ? root.abort(chain, known, actor)
              : device.abort(chain, known, actor);
        });
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
  public List<StepTaken> rotate(Role role) throws IssuanceException {
    List<StepTaken> taken = new ArrayList<>();
    List<StoredAuthority> retiring = parts.issuers().chain().in(role, State.RETIRING);
    for (StoredAuthority ending : retiring) {
      if (planner.under(ending).isEmpty()) {
        taken.add(retire(ending.row().id(), false));
      }
    }
    if (retiring.isEmpty()) {
      String id = next(role, taken);
      if (role != Role.ROOT) {
        taken.add(activate(id, false));
      } else if (planner.rootIsReady(id)) {
        taken.add(activate(id, false));
      }
    }
    return List.copyOf(taken);
  }

  /** The one that is to take over, prepared and published now if it isn't yet. */
  private String next(Role role, List<StepTaken> taken) throws IssuanceException {
    Optional<StoredAuthority> known = planner.next(role);
    String id;
    State state;
    if (known.isPresent()) {
      id = known.get().row().id();
      state = known.get().row().state();
    } else {
      AuthorityInfo prepared = prepare(role, Optional.empty());
      taken.add(StepTaken.whole(prepared));
      id = prepared.id();
      state = prepared.state();
    }
    if (role == Role.ROOT && state == State.PREPARED) {
      taken.add(StepTaken.whole(publish(id)));
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
