package dev.vouchsafe.audit;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * What attested modules do too often to be recorded one by one. Counting takes no lock: each
 * counter only grows, and what it grew by is written.
 */
final class Counts {
  private record Of(String module, String operation) {}

  private final Map<Of, LongAdder> counters = new ConcurrentHashMap<>();
  private final Map<Of, Long> written = new HashMap<>();
  private Instant since;

  Counts(Instant now) {
    this.since = now;
  }

  void add(String module, String operation) {
    Of of = new Of(module, operation);
    // Nearly always there, and found without the lock that the other way may take.
    LongAdder known = counters.get(of);
    (known == null ? counters.computeIfAbsent(of, absent -> new LongAdder()) : known).increment();
  }

  /** What was counted since the last call. For one thread. */
  List<AuditEvent> take(Instant now) {
    List<AuditEvent> taken = new ArrayList<>();
    counters.forEach((of, counter) -> {
      long sum = counter.sum();
      long grown = sum - written.getOrDefault(of, 0L);
      if (grown > 0) {
        taken.add(new AuditEvent.Count(of.module(), of.operation(), since, grown));
        written.put(of, sum);
      }
    });
    since = now;
    return taken;
  }
}
