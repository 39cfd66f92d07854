package dev.vouchsafe.cli;

import dev.vouchsafe.audit.AuditEntry;
import dev.vouchsafe.audit.AuditEvent;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Which entries of the audit log are wanted: those for which all holds that is given.
 *
 * @param since not before then
 * @param until before then
 * @param module about that registration
 * @param outcome decisions that ended so
 * @param pid decisions about that process
 * @param made decisions that name this certificate, or this token
 */
record AuditFilter(
    Optional<Instant> since,
    Optional<Instant> until,
    Optional<String> module,
    Optional<AuditEvent.Outcome> outcome,
    OptionalInt pid,
    Optional<String> made) {

  boolean takes(AuditEntry entry) {
    if (since.isPresent() && entry.time().isBefore(since.get())) {
      return false;
    }
    if (until.isPresent() && !entry.time().isBefore(until.get())) {
      return false;
    }
    return switch (entry.event()) {
      case AuditEvent.Decision decision -> takes(decision);
      case AuditEvent.Count count ->
          onlyModule() && module.map(count.module()::equals).orElse(true);
      default -> onlyModule() && module.isEmpty();
    };
  }

  private boolean onlyModule() {
    return outcome.isEmpty() && pid.isEmpty() && made.isEmpty();
  }

  private boolean takes(AuditEvent.Decision decision) {
    return module.map(decision.asked().module()::equals).orElse(true)
        && outcome.map(decision.outcome()::equals).orElse(true)
        && (pid.isEmpty() || pid.getAsInt() == decision.process().pid())
        && made.map(id -> decision.certificates().contains(id) || decision.tokens().contains(id))
            .orElse(true);
  }
}
