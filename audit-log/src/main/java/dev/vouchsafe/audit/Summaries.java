package dev.vouchsafe.audit;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/** What is recorded as a number, now and then. Counting is safe for use by many threads. */
final class Summaries {
  private final Counts counts;
  private final RefusalBudget refusals;
  private final LongAdder summarised = new LongAdder();
  private final LongAdder lost = new LongAdder();

  /** Of those that were lost, how many the log says were; for the log's thread. */
  private long lostWritten;

  Summaries(LongSupplier nanoTime, Instant now) {
    this.counts = new Counts(now);
    this.refusals = new RefusalBudget(nanoTime, now);
  }

  /** Counts what an attested module did. */
  void count(String module, String operation) {
    counts.add(module, operation);
  }

  /** Whether that is to be written by itself; if not, it was counted. */
  boolean admit(AuditEvent event) {
    if (event instanceof AuditEvent.Decision decision
        && decision.outcome() != AuditEvent.Outcome.ISSUED
        // Of what was made and withheld an entry says that it was issued; this one takes it back.
        && !decision.made()
        && !refusals.admit(decision)) {
      summarised.increment();
      return false;
    }
    return true;
  }

  /** Counts something that the log will not have. */
  void lose() {
    lost.increment();
  }

  /** What was counted since the last call. For the log's thread. */
  List<AuditEvent> take(Instant now) {
    List<AuditEvent> taken = new ArrayList<>(counts.take(now));
    refusals.take(now).ifPresent(taken::add);
    taken.addAll(takeLost());
    return taken;
  }

  /** That something was lost, if it was not said yet. For the log's thread. */
  List<AuditEvent> takeLost() {
    long gone = lost.sum();
    if (gone <= lostWritten) {
      return List.of();
    }
    AuditEvent event = new AuditEvent.Lost(gone - lostWritten);
    lostWritten = gone;
    return List.of(event);
  }

  long summarised() {
    return summarised.sum();
  }

  long lost() {
    return lost.sum();
  }
}
