package dev.vouchsafe.cli;

import dev.vouchsafe.attestation.AttestationSettings;
import dev.vouchsafe.attestation.Attestors;
import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationProblem;
import dev.vouchsafe.attestation.RegistrationSet;
import dev.vouchsafe.attestation.Selector;
import dev.vouchsafe.attestation.Witness;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What {@code check} says of the registrations, and of whether what they name is there. */
final class RegistrationChecks {
  private final Home home;
  private final LocalAccounts accounts;
  private List<Registration> all = List.of();

  RegistrationChecks(Home home, LocalAccounts accounts) {
    this.home = home;
    this.accounts = accounts;
  }

  List<Finding> registrations() {
    RegistrationSet set;
    try {
      set = ModuleFiles.read(home);
    } catch (CommandFailure e) {
      return List.of(
          Finding.fail("registrations", Causes.text(e), "see `vouchsafe module --help`"));
    }
    all = set.all();
    List<Finding> findings = new ArrayList<>();
    long files = all.stream().filter(module -> !set.isBuiltIn(module.name())).count();
    findings.add(Finding.ok("registrations", files + " in " + home.registrations()));
    for (RegistrationProblem problem : set.problems()) {
      findings.add(
          Finding.warn(
              "registrations",
              problem.code() + ": " + problem.message(),
              "mend " + problem.file() + ", it is not taken as it is"));
    }
    for (Registration module : all) {
      module
          .everySelector()
          .distinct()
          .forEach(selector ->
              missing(selector)
                  .ifPresent(problem ->
                      findings.add(
                          Finding.warn(
                              "registrations",
                              module.name() + ": " + selector.text() + " " + problem,
                              "add it, or change the selector"))));
    }
    return findings;
  }

  /** What names nothing holds for no caller, nor does it rule any out. */
  private Optional<String> missing(Selector selector) {
    return switch (selector) {
      case Selector.Path path when Files.notExists(Path.of(path.path())) ->
          Optional.of("names no file, so it holds for no caller");
      case Selector.User user -> account(accounts.user(user.user()), "user");
      case Selector.Group group -> account(accounts.group(group.group()), "group");
      case Selector.SupplementaryGroup group when !group.group().matches("[0-9]+") ->
          account(accounts.group(group.group()), "group");
      default -> Optional.empty();
    };
  }

  private static Optional<String> account(LocalAccounts.Found found, String kind) {
    return switch (found) {
      case THERE -> Optional.empty();
      case ABSENT -> Optional.of("names no " + kind + ", so it holds for no caller");
      case UNKNOWN -> Optional.of("can't be told: the name service doesn't answer");
    };
  }

  /** Who can't be asked here, and whom of the registrations, as they were just read, that hits. */
  List<Finding> witnesses(AttestationSettings settings) {
    List<Witness> witnesses = Attestors.witnesses(settings);
    boolean engine =
        witnesses.stream().anyMatch(one -> one.kind().isEngine() && one.absence().isEmpty());
    List<Finding> findings = new ArrayList<>();
    for (Witness witness : witnesses) {
      if (witness.absence().isPresent()) {
        List<String> hit =
            all.stream()
                .filter(module -> hits(witness, module, engine))
                .map(Registration::name)
                .toList();
        findings.add(absent(witness.kind(), witness.absence().get(), hit));
      }
    }
    return findings;
  }

  /**
   * @param engine whether any engine is there: a container is then taken for one of its
   */
  private static boolean hits(Witness absent, Registration module, boolean engine) {
    return (absent.kind().isEngine() && engine)
        ? absent.isOnlyEngineOf(module)
        : absent.isNamedBy(module);
  }

  private static Finding absent(Witness.Kind kind, String absence, List<String> hit) {
    String detail =
        kind.selectors()
            + " selectors can't be measured"
            + (kind.isEngine() ? " of " + kind.text() + "'s containers" : "")
            + ": "
            + absence;
    return hit.isEmpty()
        ? Finding.ok("attestation", detail + "; no registration needs it")
        : Finding.warn(
            "attestation",
            detail + "; registrations that need it: " + String.join(", ", hit),
            "see docs/rights.md; until then their callers get \"unavailable\"");
  }
}
