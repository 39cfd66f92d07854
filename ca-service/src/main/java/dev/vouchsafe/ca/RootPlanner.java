package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.RotationPlan.Coming;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Says which steps of a root are to come, when, and what they wait for. Changes nothing. */
final class RootPlanner {
  private static final int MOST_TOLD = 10;

  /** A line for people. */
  static final String CERTAIN = "the time to be certain: see `vouchsafe clock status`";

  private final AuthorityParts parts;
  private final JustStopped stopped;

  RootPlanner(AuthorityParts parts, JustStopped stopped) {
    this.parts = parts;
    this.stopped = stopped;
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
        && parts.clock().isCertain()
        && chain
            .find(id)
            .flatMap(root -> bundle.get().activates(root.certificate()))
            .filter(from -> !now.isBefore(from))
            .isPresent()
        && chain.find(id).filter(root -> chain.isVouchedFor(root, now)).isPresent()
        && bundle.get().behind().isEmpty();
  }

  RotationPlan plan(AuthorityChain chain, RotationLedger.AllLiving living, Instant now)
      throws IssuanceException {
    Optional<StoredAuthority> next = next(chain);
    List<Coming> steps = new ArrayList<>();
    for (StoredAuthority retiring : chain.in(Role.ROOT, State.RETIRING)) {
      steps.add(retirement(chain, retiring, living, now));
    }
    if (steps.isEmpty() && chain.root().row().isOutside()) {
      steps.add(outside(chain.root()));
    } else if (steps.isEmpty()) {
      if (next.isEmpty()) {
        steps.add(preparation(chain.root(), now));
      }
      boolean published = next.filter(it -> it.row().state() == State.PUBLISHED).isPresent();
      String id = next.map(it -> it.row().id()).orElse("");
      if (!published) {
        steps.add(
            coming(
                RotationStep.PUBLISH,
                id,
                next.map(it -> now),
                publicationWaits(next),
                List.of("the trust bundle has both roots from then on")));
      }
      steps.add(activation(chain, next, published, id, now));
    }
    return new RotationPlan(Role.ROOT, chain.root().info(), next.map(StoredAuthority::info), steps);
  }

  /** Another one comes with the certificate of a device CA. */
  private static Coming outside(StoredAuthority root) {
    return coming(
        RotationStep.PREPARE,
        "",
        Optional.empty(),
        List.of("those who have the key of " + root.row().id() + ": see docs/outside-roots.md"),
        List.of());
  }

  private static Coming preparation(StoredAuthority root, Instant now) {
    String id = root.row().id();
    Instant end = root.end();
    List<String> waits = new ArrayList<>();
    if (!now.isBefore(end)) {
      waits.add(
          "nothing but --now: "
              + id
              + " ended at "
              + LivingUnder.time(end)
              + ", and those who know only it can't follow");
    }
    return coming(
        RotationStep.PREPARE,
        "",
        Optional.of(due(root, now)),
        waits,
        List.of("the keys of " + id + " and of the new root sign, once"));
  }

  private List<String> publicationWaits(Optional<StoredAuthority> next) {
    if (next.isEmpty()) {
      return List.of("it to be prepared");
    }
    return parts.clock().isCertain() ? List.of() : List.of(CERTAIN);
  }

  /** When it is time to think of another: {@code check} says so from then on. */
  private static Instant due(StoredAuthority root, Instant now) {
    Instant begin = root.certificate().getNotBefore().toInstant();
    Instant due = root.end().minus(Duration.between(begin, root.end()).dividedBy(4));
    return now.isAfter(due) ? now : due;
  }

  private Coming activation(
      AuthorityChain chain,
      Optional<StoredAuthority> next,
      boolean published,
      String id,
      Instant now) {
    List<String> waits = new ArrayList<>();
    List<String> affects = new ArrayList<>();
    Optional<Instant> from = Optional.empty();
    if (!parts.clock().isCertain()) {
      waits.add(CERTAIN);
    }
    if (!published) {
      waits.add("it to be published, and five refresh times");
    } else if (parts.bundle().isPresent()) {
      RootBundle bundle = parts.bundle().get();
      from = bundle.activates(next.orElseThrow().certificate());
      if (from.isEmpty()) {
        waits.add("the trust bundle, which could not be written with it yet");
      } else if (now.isBefore(from.get())) {
        waits.add(
            "readers of the trust bundle that nobody knows by name, until "
                + LivingUnder.time(from.get()));
      }
      for (String reader : some(bundle.behind())) {
        waits.add(reader + " to fetch version " + bundle.sequence() + " of the trust bundle");
      }
      for (String reader : some(bundle.silent())) {
        affects.add(reader + " has not fetched it and is silent; it is not waited for");
      }
    }
    String old = chain.root().row().id();
    boolean vouched = next.isEmpty() || chain.isVouchedFor(next.get(), now);
    if (!vouched) {
      waits.add("nothing but --now in the end: " + old + " does not vouch for it");
    }
    affects.add(
        vouched
            ? "a device CA under it issues; every chain lets those who know only " + old + " follow"
            : "a device CA under it issues; those who know only "
                + old
                + " can't follow: it does not vouch for the new one");
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
      AuthorityChain chain, StoredAuthority retiring, RotationLedger.AllLiving living, Instant now)
      throws IssuanceException {
    LivingUnder under = LivingUnder.of(chain, chain.devicesUnder(retiring), living, now);
    List<String> affects = new ArrayList<>(under.modules(parts.ledger().rotation(), now));
    affects.add("it leaves the trust bundle");
    List<String> waits = new ArrayList<>();
    Duration left = stopped.left(chain, retiring);
    if (!under.isEmpty()) {
      waits.add(under.text());
    } else if (!left.isZero()) {
      waits.add(JustStopped.WAITS);
    }
    RootSteps.beyond(chain, retiring, now).ifPresent(waits::add);
    if (!parts.clock().isCertain()) {
      waits.add(CERTAIN);
    }
    return coming(
        RotationStep.RETIRE,
        retiring.row().id(),
        Stream.of(under.lastEnd(), chain.beyondUntil(retiring, now), Optional.of(now.plus(left)))
            .flatMap(Optional::stream)
            .max(Instant::compareTo),
        waits,
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
