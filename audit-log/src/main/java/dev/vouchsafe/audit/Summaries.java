package dev.vouchsafe.audit;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
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

  /**
   * What attested modules do too often to be recorded one by one. Counting takes no lock: each
   * counter only grows, and what it grew by is written.
   */
  static final class Counts {
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

  /**
   * Decides which refusals are written whole. Anybody can cause refusals without end, and the log
   * is bounded: without this, a stranger could push out what it tells of him. The rest is counted.
   *
   * <p>Whole are the first few of a kind (user, module, reason) in a minute, some of a user, and
   * some of all, since one person may have many user ids, and any module name. So strangers fill at
   * most {@link #ALL_AN_HOUR} entries and 60 summaries an hour, however many they are.
   */
  static final class RefusalBudget {
    /** Of one user, module and reason, in a minute. */
    static final int ALIKE_A_MINUTE = 3;

    /** Of one user, in a minute. */
    static final int USER_A_MINUTE = 20;

    /** Of one user, in an hour. */
    static final int USER_AN_HOUR = 100;

    /** Of all users, in an hour. */
    static final int ALL_AN_HOUR = 300;

    private static final int MOST_KINDS = 20;
    private static final long HOUR_NANOS = TimeUnit.HOURS.toNanos(1);
    private static final long MINUTE_NANOS = TimeUnit.MINUTES.toNanos(1);

    private record Kind(long uid, String module, String reason) {}

    private record Left(long uid, String outcome, String reason) {}

    private final LongSupplier nanoTime;
    private final Map<Kind, Integer> alike = new HashMap<>();
    private final Map<Long, Integer> usersThisMinute = new HashMap<>();
    private final Map<Long, Integer> usersThisHour = new HashMap<>();
    private final Map<Left, Long> left = new HashMap<>();
    private int allThisHour;
    private long others;
    private long minute;
    private long hour;
    private Instant since;

    /**
     * @param nanoTime measures durations
     * @param now the time
     */
    RefusalBudget(LongSupplier nanoTime, Instant now) {
      this.nanoTime = nanoTime;
      this.since = now;
      this.minute = nanoTime.getAsLong();
      this.hour = minute;
    }

    /** Whether this one is to be written whole; if not, it is counted. */
    synchronized boolean admit(AuditEvent.Decision decision) {
      turn();
      long uid = decision.process().uid();
      if (allThisHour < ALL_AN_HOUR
          && usersThisHour.getOrDefault(uid, 0) < USER_AN_HOUR
          && usersThisMinute.getOrDefault(uid, 0) < USER_A_MINUTE) {
        Kind kind = new Kind(uid, decision.asked().module(), decision.reason());
        if (alike.getOrDefault(kind, 0) < ALIKE_A_MINUTE) {
          alike.merge(kind, 1, Integer::sum);
          usersThisMinute.merge(uid, 1, Integer::sum);
          usersThisHour.merge(uid, 1, Integer::sum);
          allThisHour++;
          return true;
        }
      }
      count(new Left(uid, decision.outcome().text(), decision.reason()));
      return false;
    }

    private void count(Left one) {
      if (left.size() < MOST_KINDS || left.containsKey(one)) {
        left.merge(one, 1L, Long::sum);
      } else {
        others++;
      }
    }

    /** The maps are bounded by {@link #ALL_AN_HOUR}: only what is admitted is put in. */
    private void turn() {
      long now = nanoTime.getAsLong();
      if (now - minute >= MINUTE_NANOS) {
        minute = now;
        alike.clear();
        usersThisMinute.clear();
      }
      if (now - hour >= HOUR_NANOS) {
        hour = now;
        usersThisHour.clear();
        allThisHour = 0;
      }
    }

    /** What was counted since the last call, if anything was. */
    synchronized Optional<AuditEvent.Refusals> take(Instant now) {
      Instant began = since;
      since = now;
      if (left.isEmpty()) {
        return Optional.empty();
      }
      List<AuditEvent.Alike> most = new ArrayList<>();
      left.forEach((one, count) ->
          most.add(new AuditEvent.Alike(one.uid(), one.outcome(), one.reason(), count)));
      most.sort(Comparator.comparingLong(AuditEvent.Alike::count).reversed());
      AuditEvent.Refusals taken = new AuditEvent.Refusals(began, most, others);
      left.clear();
      others = 0;
      return Optional.of(taken);
    }
  }
}
