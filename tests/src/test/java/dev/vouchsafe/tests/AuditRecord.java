package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.audit.AuditKeys;
import dev.vouchsafe.audit.AuditReader;
import dev.vouchsafe.audit.AuditReport;
import dev.vouchsafe.audit.AuditVerifier;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The audit log of a gateway, read as it lies on the disk.
 *
 * @param folder the log's own
 */
record AuditRecord(Path folder) {
  static AuditRecord of(GatewayHome home) {
    return new AuditRecord(home.data().resolve("audit"));
  }

  /** Everything that is on record, the oldest first. */
  List<AuditEvent> events() throws IOException {
    List<AuditEvent> events = new ArrayList<>();
    new AuditReader(folder).read(entry -> events.add(entry.event()));
    return events;
  }

  /** Of these everything of one kind. */
  <T extends AuditEvent> List<T> all(Class<T> kind) throws IOException {
    return events().stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** Serials of what was issued. */
  Set<String> issued() throws IOException {
    Set<String> serials = new HashSet<>();
    for (AuditEvent.Decision decision : all(AuditEvent.Decision.class)) {
      if (decision.outcome() == AuditEvent.Outcome.ISSUED) {
        serials.addAll(decision.certificates());
      }
    }
    return serials;
  }

  /** Nothing was changed, and a checkpoint was signed. */
  AuditReport assertClean() throws IOException {
    AuditReport report =
        AuditVerifier.verify(
            folder, AuditKeys.read(folder.resolve(AuditKeys.FILE)), Optional.empty(), octets -> {});
    assertThat(report.findings()).isEmpty();
    return report;
  }
}
