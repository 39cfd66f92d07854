package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationProblem;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.attestation.Registrations;
import dev.vouchsafe.audit.AuditEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * The registrations as they are now, each change of which is on record before anything is decided
 * by it.
 */
final class RegistrationChanges {
  private static final QuietLog LOG = new QuietLog(RegistrationChanges.class);

  private final Registrations registrations;
  private final AuditTrail trail;
  private volatile RegistrationSet last;

  /** Records how they stand. */
  RegistrationChanges(Registrations registrations, AuditTrail trail) {
    this.registrations = registrations;
    this.trail = trail;
    this.last = registrations.current();
    trail.registrations(
        new AuditEvent.Registrations(
            last.all().size(), List.of(), List.of(), List.of(), problems(last)));
  }

  /** The set as of now ({@link Registrations#current}). */
  RegistrationSet current() {
    RegistrationSet now = registrations.current();
    if (!now.equals(last)) {
      record();
    }
    return now;
  }

  /** Asks again, so that of two threads the one with the older set doesn't undo the newer one. */
  private synchronized void record() {
    RegistrationSet now = registrations.current();
    RegistrationSet before = last;
    if (now.equals(before)) {
      return;
    }
    List<String> added = new ArrayList<>();
    List<String> removed = new ArrayList<>();
    List<String> changed = new ArrayList<>();
    for (Registration registration : now.all()) {
      Optional<Registration> old = before.byName(registration.name());
      if (old.isEmpty()) {
        added.add(registration.name());
      } else if (!old.get().equals(registration)) {
        changed.add(registration.name() + ": " + differences(old.get(), registration));
      }
    }
    for (Registration registration : before.all()) {
      if (now.byName(registration.name()).isEmpty()) {
        removed.add(registration.name());
      }
    }
    List<String> problems = problems(now);
    if (!added.isEmpty()
        || !removed.isEmpty()
        || !changed.isEmpty()
        || !problems.equals(problems(before))) {
      trail.registrations(
          new AuditEvent.Registrations(now.all().size(), added, removed, changed, problems));
    }
    tell(before, now);
    last = now;
  }

  /** What went bad, and what is well again, for whoever reads the log. */
  private static void tell(RegistrationSet before, RegistrationSet now) {
    for (RegistrationProblem problem : now.problems()) {
      if (!before.problems().contains(problem)) {
        LOG.warning(
            "registration not taken: "
                + problem.file()
                + ": "
                + problem.code()
                + ": "
                + problem.message());
      }
    }
    if (now.problems().isEmpty() && !before.problems().isEmpty()) {
      LOG.info("all registration files are taken again");
    }
  }

  /** A part of a registration, by the name that it has in the file. */
  private record Part(String name, Function<Registration, Object> of) {}

  private static final List<Part> PARTS =
      List.of(
          new Part("generation", Registration::generation),
          new Part("selectors", Registration::selectors),
          new Part("any", Registration::any),
          new Part("not", Registration::not),
          new Part("profiles", Registration::profiles),
          new Part("dns", Registration::dns),
          new Part("ip", Registration::ip),
          new Part("spiffe", Registration::spiffePath),
          new Part("ttl", Registration::ttl),
          new Part("audiences", Registration::audiences),
          new Part("channels", Registration::channels),
          new Part("strict", Registration::strict));

  private static String differences(Registration before, Registration now) {
    List<String> names =
        PARTS.stream()
            .filter(part -> !part.of().apply(before).equals(part.of().apply(now)))
            .map(Part::name)
            .toList();
    return String.join(", ", names);
  }

  private static List<String> problems(RegistrationSet set) {
    return set.problems().stream().map(RegistrationChanges::problem).toList();
  }

  private static String problem(RegistrationProblem problem) {
    return problem.file() + ": " + problem.code();
  }
}
