package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.LedgerReader.StoredRequest;
import dev.vouchsafe.ca.RotationPlan.Coming;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Says which steps are to come, when, and what they wait for. Changes nothing. */
final class RotationPlanner {
  private static final int EVENTS_TOLD = 10;

  private final AuthorityParts parts;
  private final RotationSettings settings;
  private final RotationLedger ledger;
  private final RootPlanner roots;
  private final JustStopped stopped;

  RotationPlanner(AuthorityParts parts, RotationSettings settings, JustStopped stopped) {
    this.parts = parts;
    this.settings = settings;
    this.stopped = stopped;
    this.ledger = parts.ledger().rotation();
    this.roots = new RootPlanner(parts, stopped);
  }

  RotationSettings settings() {
    return settings;
  }

  /** What a person did that keeps the service from replacing the device CA by itself. */
  Optional<Hold> hold(DeviceSchedule schedule, Instant now) throws IssuanceException {
    return Hold.of(ledger.givenUp(), schedule, now);
  }

  /** When a step of the device CA is taken that is due at that time. */
  Instant planned(DeviceSchedule schedule, Instant due, Optional<Hold> hold, Instant now) {
    Instant from = hold.map(Hold::until).filter(due::isBefore).orElse(due);
    return schedule.planned(from, settings.window(), now);
  }

  /** For how long nobody can tell yet what lives under one that has just stopped to sign. */
  Duration underWay(StoredAuthority retiring) {
    return stopped.left(parts.issuers().chain(), retiring);
  }

  /** What lives under that authority. */
  LivingUnder under(StoredAuthority authority) throws IssuanceException {
    Instant now = parts.clock().instant();
    AuthorityChain chain = parts.issuers().chain();
    List<StoredAuthority> devices =
        authority.row().role() == Role.ROOT ? chain.devicesUnder(authority) : List.of(authority);
    return LivingUnder.of(chain, devices, ledger.living(now), now);
  }

  /** The one that is to take over, if it is made already. */
  Optional<StoredAuthority> next(Role role) {
    AuthorityChain chain = parts.issuers().chain();
    return role == Role.ROOT ? roots.next(chain) : chain.preparedDevice();
  }

  /** Whether a published root need not wait any more. */
  boolean rootIsReady(String id) {
    return roots.isReady(parts.issuers().chain(), id, parts.clock().instant());
  }

  /** The same of a prepared device CA: by a clock in doubt it may be one that has not begun. */
  boolean deviceIsReady(String id) {
    return parts
        .issuers()
        .chain()
        .find(id)
        .filter(it -> !DeviceSteps.isDoubtful(parts, it))
        .isPresent();
  }

  /** Whether one that retires need not wait any more. */
  boolean canRetire(StoredAuthority ending) throws IssuanceException {
    AuthorityChain chain = parts.issuers().chain();
    return parts.clock().isCertain()
        && under(ending).isEmpty()
        && underWay(ending).isZero()
        && RootSteps.beyond(chain, ending, parts.clock().instant()).isEmpty();
  }

  RotationStanding standing(Optional<String> problem) throws IssuanceException {
    Instant now = parts.clock().instant();
    AuthorityChain chain = parts.issuers().chain();
    RotationLedger.AllLiving living = ledger.living(now);
    return new RotationStanding(
        now,
        settings.automatic(),
        settings.window().map(MaintenanceWindow::text),
        problem,
        device(chain, living, now),
        roots.plan(chain, living, now),
        ledger.journal(EVENTS_TOLD));
  }

  private RotationPlan device(AuthorityChain chain, RotationLedger.AllLiving living, Instant now)
      throws IssuanceException {
    Optional<StoredAuthority> prepared = chain.preparedDevice();
    List<Coming> steps = new ArrayList<>();
    for (StoredAuthority retiring : chain.in(Role.DEVICE, State.RETIRING)) {
      steps.add(retirement(chain, retiring, living, now));
    }
    DeviceSchedule schedule = DeviceSchedule.of(chain.device());
    List<String> affects = affectedByActivation(chain, living, now);
    if (chain.root().row().isOutside()) {
      steps.addAll(requestedSteps(chain, schedule, affects, now));
    } else {
      Optional<Hold> hold = settings.automatic() ? hold(schedule, now) : Optional.empty();
      if (prepared.isEmpty()) {
        steps.add(preparation(chain, schedule, hold, now));
      }
      steps.add(activation(chain, prepared, schedule, hold, affects, now));
    }
    steps.sort(Comparator.comparing(step -> step.from().orElse(Instant.MAX)));
    return new RotationPlan(
        Role.DEVICE, chain.device().info(), prepared.map(StoredAuthority::info), steps);
  }

  private Coming retirement(
      AuthorityChain chain, StoredAuthority retiring, RotationLedger.AllLiving living, Instant now)
      throws IssuanceException {
    LivingUnder under = LivingUnder.of(chain, List.of(retiring), living, now);
    Duration left = underWay(retiring);
    List<String> waits = new ArrayList<>();
    if (!under.isEmpty()) {
      waits.add(under.text());
    } else if (!left.isZero()) {
      waits.add(JustStopped.WAITS);
    }
    if (!parts.clock().isCertain()) {
      waits.add(RootPlanner.CERTAIN);
    }
    return new Coming(
        RotationStep.RETIRE,
        retiring.row().id(),
        settings.automatic(),
        Optional.of(under.lastEnd().orElse(now.plus(left))),
        waits,
        under.modules(ledger, now));
  }

  /** Whether another one will be made by itself, as it looks when that is due. */
  private boolean isWorthWhile(AuthorityChain chain, DeviceSchedule schedule, Instant now) {
    Instant due = now.isAfter(schedule.prepareAt()) ? now : schedule.prepareAt();
    return schedule.isWorthWhile(due, parts.settings().lifetimes().deviceCa(), chain.root());
  }

  private Coming preparation(
      AuthorityChain chain, DeviceSchedule schedule, Optional<Hold> hold, Instant now) {
    List<String> waits = new ArrayList<>();
    boolean worth = isWorthWhile(chain, schedule, now);
    if (!worth) {
      waits.add(
          "another root: a device CA ends with " + chain.root().row().id() + " at the latest");
    }
    hold.map(Hold::text).ifPresent(waits::add);
    if (worth && waitsForTime(schedule, now)) {
      waits.add(RootPlanner.CERTAIN);
    }
    return new Coming(
        RotationStep.PREPARE,
        "",
        settings.automatic() && worth,
        settings.automatic()
            ? worth
                ? Optional.of(planned(schedule, schedule.prepareAt(), hold, now))
                : Optional.empty()
            : Optional.of(now),
        waits,
        List.of("a key in key store " + chain.device().row().keyStore() + "; nobody notices"));
  }

  private List<String> affectedByActivation(
      AuthorityChain chain, RotationLedger.AllLiving living, Instant now) throws IssuanceException {
    LivingUnder under = LivingUnder.of(chain, List.of(chain.device()), living, now);
    List<String> affects = new ArrayList<>();
    affects.add(
        "it issues from then on; what "
            + chain.device().row().id()
            + " issued stays good: "
            + under.text());
    affects.addAll(under.modules(ledger, now));
    return affects;
  }

  /** Of a device CA that others certify: it is a person's in all, whenever that is. */
  private List<Coming> requestedSteps(
      AuthorityChain chain, DeviceSchedule schedule, List<String> affects, Instant now)
      throws IssuanceException {
    Optional<StoredRequest> waiting = waiting();
    if (waiting.isPresent()) {
      return List.of(
          new Coming(
              RotationStep.ACTIVATE,
              waiting.get().row().id(),
              false,
              Optional.of(now),
              List.of("its certificate: others sign what `vouchsafe ca request` prints"),
              affects));
    }
    Instant due = schedule.prepareAt().isAfter(now) ? schedule.prepareAt() : now;
    return List.of(
        new Coming(
            RotationStep.PREPARE,
            "",
            false,
            Optional.of(due),
            List.of(),
            List.of(
                "a key in key store "
                    + chain.device().row().keyStore()
                    + ", and a request for its certificate; nobody notices")),
        new Coming(
            RotationStep.ACTIVATE,
            "",
            false,
            Optional.empty(),
            List.of("those who certify it: see docs/outside-roots.md"),
            affects));
  }

  private Optional<StoredRequest> waiting() throws IssuanceException {
    try {
      return parts.ledger().outside().requests().stream().findFirst();
    } catch (IOException e) {
      throw new IssuanceException(Reason.LEDGER_UNAVAILABLE, String.valueOf(e.getMessage()), e);
    }
  }

  private Coming activation(
      AuthorityChain chain,
      Optional<StoredAuthority> prepared,
      DeviceSchedule schedule,
      Optional<Hold> hold,
      List<String> affects,
      Instant now) {
    boolean automatic =
        settings.automatic() && (prepared.isPresent() || isWorthWhile(chain, schedule, now));
    return new Coming(
        RotationStep.ACTIVATE,
        prepared.map(it -> it.row().id()).orElse(""),
        automatic,
        automatic
            ? Optional.of(planned(schedule, schedule.activateAt(), hold, now))
            : prepared.map(it -> now),
        activationWaits(prepared, schedule, hold, now),
        affects);
  }

  private List<String> activationWaits(
      Optional<StoredAuthority> prepared,
      DeviceSchedule schedule,
      Optional<Hold> hold,
      Instant now) {
    if (prepared.isEmpty()) {
      return List.of("it to be prepared");
    }
    List<String> waits = new ArrayList<>();
    hold.map(Hold::text).ifPresent(waits::add);
    if (waitsForTime(schedule, now)
        || (!settings.automatic() && DeviceSteps.isDoubtful(parts, prepared.get()))) {
      waits.add(RootPlanner.CERTAIN);
    }
    return waits;
  }

  /** By a clock in doubt nothing is replaced by itself until it is urgent. */
  private boolean waitsForTime(DeviceSchedule schedule, Instant now) {
    return settings.automatic() && !parts.clock().isCertain() && now.isBefore(schedule.hurryAt());
  }
}
