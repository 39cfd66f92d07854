package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.RotationPlan.Coming;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Says which steps of a root are to come, when, and what they wait for. Changes nothing. */
final class RootPlanner {
  private static final int MOST_TOLD = 10;

  private final AuthorityParts parts;

  RootPlanner(AuthorityParts parts) {
    this.parts = parts;
  }

  Optional<StoredAuthority> next(AuthorityChain chain) {
    return Stream.concat(
            chain.in(Role.ROOT, State.PUBLISHED).stream(),
            chain.in(Role.ROOT, State.PREPARED).stream())
        .findFirst();
  }

  boolean isReady(AuthorityChain chain, String id, Instant now) {
    Optional<RootBundle> bundle = parts.bundle();
    return bundle.isPresent()
        && chain
            .find(id)
            .flatMap(root -> bundle.get().activates(root.certificate()))
            .filter(from -> !now.isBefore(from))
            .isPresent()
        && bundle.get().behind().isEmpty();
  }

  RotationPlan plan(AuthorityChain chain, List<RotationLedger.Living> living, Instant now)
      throws IssuanceException {
    Optional<StoredAuthority> next = next(chain);
    List<Coming> steps = new ArrayList<>();
    for (StoredAuthority retiring : chain.in(Role.ROOT, State.RETIRING)) {
      steps.add(retirement(chain, retiring, living, now));
    }
    if (steps.isEmpty()) {
      if (next.isEmpty()) {
        steps.add(
            coming(
                RotationStep.PREPARE,
                "",
                Optional.of(now),
                List.of(),
                List.of(
                    "the keys of " + chain.root().row().id() + " and of the new root sign, once")));
      }
      boolean published = next.filter(it -> it.row().state() == State.PUBLISHED).isPresent();
      String id = next.map(it -> it.row().id()).orElse("");
      if (!published) {
        steps.add(
            coming(
                RotationStep.PUBLISH,
                id,
                next.map(it -> now),
                next.isEmpty() ? List.of("it to be prepared") : List.of(),
                List.of("the trust bundle has both roots from then on")));
      }
      steps.add(activation(chain, next, published, id));
    }
    return new RotationPlan(Role.ROOT, chain.root().info(), next.map(StoredAuthority::info), steps);
  }

  private Coming activation(
      AuthorityChain chain, Optional<StoredAuthority> next, boolean published, String id) {
    List<String> waits = new ArrayList<>();
    List<String> affects = new ArrayList<>();
    Optional<Instant> from = Optional.empty();
    if (!published) {
      waits.add("it to be published, and five refresh times");
    } else if (parts.bundle().isPresent()) {
      RootBundle bundle = parts.bundle().get();
      from = bundle.activates(next.orElseThrow().certificate());
      for (String reader : some(bundle.behind())) {
        waits.add(reader + " to fetch version " + bundle.sequence() + " of the trust bundle");
      }
      for (String reader : some(bundle.silent())) {
        affects.add(reader + " has not fetched it and is silent; it is not waited for");
      }
    }
    affects.add(
        "a device CA under it issues; every chain lets those who know only "
            + chain.root().row().id()
            + " follow");
    return coming(RotationStep.ACTIVATE, id, from, waits, affects);
  }

  private static List<String> some(List<String> names) {
    return names.size() <= MOST_TOLD
        ? names
        : Stream.concat(
                names.stream().limit(MOST_TOLD), Stream.of((names.size() - MOST_TOLD) + " others"))
            .toList();
  }

  private Coming retirement(
      AuthorityChain chain,
      StoredAuthority retiring,
      List<RotationLedger.Living> living,
      Instant now)
      throws IssuanceException {
    LivingUnder under = LivingUnder.of(chain, chain.devicesUnder(retiring), living, now);
    List<String> affects = new ArrayList<>(under.modules(parts.ledger().rotation(), now));
    affects.add("it leaves the trust bundle");
    return coming(
        RotationStep.RETIRE,
        retiring.row().id(),
        Optional.of(under.lastEnd().orElse(now)),
        under.isEmpty() ? List.of() : List.of(under.text()),
        affects);
  }

  /** A root takes no step by itself. */
  private static Coming coming(
      RotationStep step,
      String id,
      Optional<Instant> from,
      List<String> waits,
      List<String> affects) {
    return new Coming(step, id, false, from, waits, affects);
  }
}
