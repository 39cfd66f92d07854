package dev.vouchsafe.attestation;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Registrations by where a caller must stand in the tree of cgroups, so that one who stands
 * elsewhere isn't measured against each of them.
 *
 * @param anywhere those that a cgroup's path doesn't rule out
 * @param containers those of which each way to match leads into a container
 * @param units those of which each way to match leads into one certain unit, by that
 */
record Places(
    List<Registration> anywhere,
    List<Registration> containers,
    Map<String, List<Registration>> units) {
  Places {
    anywhere = List.copyOf(anywhere);
    containers = List.copyOf(containers);
    units = Map.copyOf(units);
  }

  static Places of(List<Registration> registrations) {
    List<Registration> anywhere = new ArrayList<>();
    List<Registration> containers = new ArrayList<>();
    Map<String, List<Registration>> units = new HashMap<>();
    for (Registration registration : registrations) {
      List<List<Selector>> ways = ways(registration);
      List<String> named = ways.stream().flatMap(way -> unit(way).stream()).distinct().toList();
      if (ways.stream().allMatch(way -> way.stream().anyMatch(Contradictions::inContainer))) {
        containers.add(registration);
      } else if (ways.stream().allMatch(way -> unit(way).isPresent())) {
        named.forEach(u -> units.computeIfAbsent(u, _ -> new ArrayList<>(1)).add(registration));
      } else {
        anywhere.add(registration);
      }
    }
    units.replaceAll((unit, list) -> List.copyOf(list));
    return new Places(anywhere, containers, units);
  }

  private static List<List<Selector>> ways(Registration registration) {
    return registration.any().isEmpty()
        ? List.of(registration.selectors())
        : registration.any().stream()
            .map(list -> Stream.concat(registration.selectors().stream(), list.stream()).toList())
            .toList();
  }

  private static Optional<String> unit(List<Selector> way) {
    return way.stream()
        .filter(Selector.SystemdUnit.class::isInstance)
        .map(selector -> ((Selector.SystemdUnit) selector).unit())
        .filter(unit -> !Glob.any(unit))
        .findFirst();
  }

  /** Those that a caller's cgroup at its first look doesn't rule out. */
  List<Registration> candidates(ProcessCaller caller) {
    if (containers.isEmpty() && units.isEmpty()) {
      return anywhere;
    }
    Cgroups cgroups = Cgroups.parse(caller.first().cgroup().toArray(JAVA_BYTE));
    List<Registration> candidates = new ArrayList<>(anywhere);
    if (cgroups.container().isPresent()) {
      candidates.addAll(containers);
    }
    cgroups
        .systemd()
        .map(SystemdNames::ownUnit)
        .ifPresent(unit -> candidates.addAll(units.getOrDefault(unit, List.of())));
    return candidates;
  }
}
