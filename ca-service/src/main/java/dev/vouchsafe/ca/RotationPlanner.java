package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.RotationPlan.Coming;
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

  RotationPlanner(AuthorityParts parts, RotationSettings settings) {
    this.parts = parts;
    this.settings = settings;
    this.ledger = parts.ledger().rotation();
    this.roots = new RootPlanner(parts);
  }

  RotationSettings settings() {
    return settings;
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

  RotationStanding standing(Optional<String> problem) throws IssuanceException {
    Instant now = parts.clock().instant();
    AuthorityChain chain = parts.issuers().chain();
    List<RotationLedger.Living> living = ledger.living(now);
    return new RotationStanding(
        now,
        settings.automatic(),
        settings.window().map(MaintenanceWindow::text),
        problem,
        device(chain, living, now),
        roots.plan(chain, living, now),
        ledger.journal(EVENTS_TOLD));
  }

  private RotationPlan device(AuthorityChain chain, List<RotationLedger.Living> living, Instant now)
      throws IssuanceException {
    Optional<StoredAuthority> prepared = chain.preparedDevice();
    List<Coming> steps = new ArrayList<>();
    for (StoredAuthority retiring : chain.in(Role.DEVICE, State.RETIRING)) {
      steps.add(retirement(chain, retiring, living, now));
    }
    DeviceSchedule schedule = DeviceSchedule.of(chain.device().certificate());
    if (prepared.isEmpty()) {
      steps.add(preparation(chain, schedule, now));
    }
    steps.add(activation(chain, prepared, living, schedule, now));
    steps.sort(Comparator.comparing(step -> step.from().orElse(Instant.MAX)));
    return new RotationPlan(
        Role.DEVICE, chain.device().info(), prepared.map(StoredAuthority::info), steps);
  }

  private Coming retirement(
      AuthorityChain chain,
      StoredAuthority retiring,
      List<RotationLedger.Living> living,
      Instant now)
      throws IssuanceException {
    LivingUnder under = LivingUnder.of(chain, List.of(retiring), living, now);
    return new Coming(
        RotationStep.RETIRE,
        retiring.row().id(),
        settings.automatic(),
        Optional.of(under.lastEnd().orElse(now)),
        under.isEmpty() ? List.of() : List.of(under.text()),
        under.modules(ledger, now));
  }

  private Coming preparation(AuthorityChain chain, DeviceSchedule schedule, Instant now) {
    List<String> waits = new ArrayList<>();
    boolean outside = chain.root().row().isOutside();
    boolean worth =
        !outside
            && schedule.isWorthWhile(
                now, parts.settings().lifetimes().deviceCa(), chain.root().certificate());
    if (outside) {
      waits.add("those who certify it: see docs/outside-roots.md");
    } else if (!worth) {
      waits.add(
          "another root: a device CA ends with " + chain.root().row().id() + " at the latest");
    }
    return new Coming(
        RotationStep.PREPARE,
        "",
        settings.automatic() && worth,
        settings.automatic()
            ? worth
                ? Optional.of(schedule.planned(schedule.prepareAt(), settings.window(), now))
                : Optional.empty()
            : Optional.of(now),
        waits,
        List.of("a key in key store " + chain.device().row().keyStore() + "; nobody notices"));
  }

  private Coming activation(
      AuthorityChain chain,
      Optional<StoredAuthority> prepared,
      List<RotationLedger.Living> living,
      DeviceSchedule schedule,
      Instant now)
      throws IssuanceException {
    LivingUnder under = LivingUnder.of(chain, List.of(chain.device()), living, now);
    List<String> affects = new ArrayList<>();
    affects.add(
        "it issues from then on; what "
            + chain.device().row().id()
            + " issued stays good: "
            + under.text());
    affects.addAll(under.modules(ledger, now));
    boolean automatic = settings.automatic() && prepared.isPresent();
    return new Coming(
        RotationStep.ACTIVATE,
        prepared.map(it -> it.row().id()).orElse(""),
        automatic,
        settings.automatic()
            ? Optional.of(schedule.planned(schedule.activateAt(), settings.window(), now))
            : prepared.map(it -> now),
        prepared.isEmpty() ? List.of("it to be prepared") : List.of(),
        affects);
  }
}
