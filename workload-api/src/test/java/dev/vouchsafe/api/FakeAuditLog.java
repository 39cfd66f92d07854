package dev.vouchsafe.api;

import dev.vouchsafe.audit.AuditEvent;
import dev.vouchsafe.audit.AuditLog;
import dev.vouchsafe.audit.AuditUnavailableException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** An audit log in memory, whose disk does as the test says. */
final class FakeAuditLog implements AuditLog {
  /** All that was recorded, in the order in which it was. */
  final List<AuditEvent> events = new CopyOnWriteArrayList<>();

  /** How often each module did what is counted: {@code module operation}. */
  final Map<String, Integer> counts = new ConcurrentHashMap<>();

  /** What waits for the disk. */
  final List<CompletableFuture<Void>> held = new CopyOnWriteArrayList<>();

  /** Why nothing can be written, if so. */
  volatile String fault = "";

  /** Whether what is recorded waits until the test ends it. */
  volatile boolean slow;

  @Override
  public void note(AuditEvent event) {
    events.add(event);
  }

  @Override
  public CompletableFuture<Void> record(AuditEvent event) {
    if (!fault.isEmpty()) {
      return CompletableFuture.failedFuture(new AuditUnavailableException(fault));
    }
    events.add(event);
    if (!slow) {
      return CompletableFuture.completedFuture(null);
    }
    CompletableFuture<Void> kept = new CompletableFuture<>();
    held.add(kept);
    return kept;
  }

  @Override
  public void promise(AuditEvent event) throws AuditUnavailableException {
    require(event);
  }

  @Override
  public void require(AuditEvent event) throws AuditUnavailableException {
    if (!fault.isEmpty()) {
      throw new AuditUnavailableException(fault);
    }
    events.add(event);
  }

  @Override
  public void count(String module, String operation) {
    counts.merge(module + " " + operation, 1, Integer::sum);
  }

  @Override
  public String checkpoint() {
    return "a.b.c";
  }

  @Override
  public AuditLog.Status status() {
    return new AuditLog.Status(
        events.size(),
        0,
        0,
        held.size(),
        0,
        Optional.of(fault).filter(why -> !why.isEmpty()),
        Optional.empty(),
        Optional.empty(),
        Optional.empty());
  }

  /** The decisions, the oldest first. */
  List<AuditEvent.Decision> decisions() {
    return events.stream()
        .filter(AuditEvent.Decision.class::isInstance)
        .map(AuditEvent.Decision.class::cast)
        .toList();
  }

  /** What administrators did. */
  List<AuditEvent.Act> acts() {
    return events.stream()
        .filter(AuditEvent.Act.class::isInstance)
        .map(AuditEvent.Act.class::cast)
        .toList();
  }

  @Override
  public void close() {}
}
