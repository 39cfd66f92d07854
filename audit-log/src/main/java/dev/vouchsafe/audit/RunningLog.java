package dev.vouchsafe.audit;

import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A log with the thread that writes it.
 *
 * <p>As long as the log can't be written, what waits is kept and tried again, and nothing that must
 * be recorded is taken: so nothing is handed out.
 */
final class RunningLog implements AuditLog {
  private static final System.Logger LOG = System.getLogger(RunningLog.class.getName());
  private static final int QUEUE = 8192;
  private static final int GROUP = 1024;
  private static final long REQUIRED_WAITS_MILLIS = 250;
  private static final long CHECKPOINT_WAITS_SECONDS = 5;
  private static final long CLOSE_WAITS_MILLIS = 4000;
  private static final long IDLE_MILLIS = 500;

  /** What comes within this time shares a sync; nobody waits for it. */
  private static final long GATHER_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** What waits: an event, or somebody who wants a checkpoint. */
  private sealed interface Item {}

  private record Entry(LogWriter.Stamped stamped) implements Item {}

  private record Wanted(CompletableFuture<String> answer) implements Item {}

  private final LogWriter writer;
  private final CheckpointSigner signer;
  private final InstantSource clock;
  private final BlockingQueue<Item> queue = new ArrayBlockingQueue<>(QUEUE);
  private final Counts counts;
  private final RefusalBudget refusals;
  private final Due due;
  private final LongAdder written = new LongAdder();
  private final LongAdder summarised = new LongAdder();
  private final LongAdder lost = new LongAdder();
  private final CountDownLatch stopping = new CountDownLatch(1);
  private final Thread thread;
  private volatile @Nullable String fault;
  private volatile @Nullable String signingFault;
  private volatile @Nullable String newest;

  /** Of those that were lost, how many the log says were; for the thread. */
  private long lostWritten;

  private RunningLog(
      LogWriter writer, CheckpointSigner signer, InstantSource clock, LongSupplier nanoTime) {
    this.writer = writer;
    this.signer = signer;
    this.clock = clock;
    Instant now = clock.instant();
    this.counts = new Counts(now);
    this.refusals = new RefusalBudget(nanoTime, now);
    this.due = new Due(nanoTime, clock);
    this.thread = new Thread(this::run, "vouchsafe-audit");
    this.thread.setDaemon(true);
  }

  static RunningLog start(
      LogWriter writer, CheckpointSigner signer, InstantSource clock, LongSupplier nanoTime) {
    RunningLog log = new RunningLog(writer, signer, clock, nanoTime);
    log.thread.start();
    return log;
  }

  @Override
  public void note(AuditEvent event) {
    if (event instanceof AuditEvent.Decision decision
        && decision.outcome() != AuditEvent.Outcome.ISSUED
        && !refusals.admit(decision)) {
      summarised.increment();
    } else if (!queue.offer(entry(event))) {
      lost.increment();
    }
  }

  @Override
  public void require(AuditEvent event) throws AuditUnavailableException {
    String known = fault;
    if (known != null || stopping.getCount() == 0) {
      throw new AuditUnavailableException(
          known == null ? "the audit log is closing" : "the audit log can't be written: " + known);
    }
    Entry entry = entry(event);
    try {
      if (!queue.offer(entry)
          && !queue.offer(entry, REQUIRED_WAITS_MILLIS, TimeUnit.MILLISECONDS)) {
        throw new AuditUnavailableException("the audit log is behind");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AuditUnavailableException("interrupted", e);
    }
  }

  private Entry entry(AuditEvent event) {
    return new Entry(new LogWriter.Stamped(clock.instant(), event));
  }

  @Override
  public void count(String module, String operation) {
    counts.add(module, operation);
  }

  @Override
  public String checkpoint() throws AuditUnavailableException {
    Wanted wanted = new Wanted(new CompletableFuture<>());
    try {
      if (!queue.offer(wanted)) {
        throw new AuditUnavailableException("the audit log is behind");
      }
      return wanted.answer().get(CHECKPOINT_WAITS_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new AuditUnavailableException(String.valueOf(e.getMessage()), e);
    } catch (TimeoutException e) {
      throw new AuditUnavailableException("the audit log's disk does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AuditUnavailableException("interrupted", e);
    }
  }

  @Override
  public AuditStatus status() {
    return new AuditStatus(
        written.sum(),
        summarised.sum(),
        lost.sum(),
        queue.size(),
        Optional.ofNullable(fault),
        Optional.ofNullable(signingFault),
        Optional.ofNullable(newest),
        signer.publicKey().map(AuditKeys::fingerprint));
  }

  /** The thread's. */
  private void run() {
    List<Item> group = new ArrayList<>(GROUP);
    try {
      boolean ended = false;
      while (!ended) {
        ended = stopping.getCount() == 0;
        gather(group, ended);
        step(group, ended);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      if (fault == null) {
        fault = "its thread has ended";
      }
      writer.close();
    }
  }

  private void gather(List<Item> group, boolean ended) throws InterruptedException {
    if (!ended) {
      Item first = queue.poll(IDLE_MILLIS, TimeUnit.MILLISECONDS);
      if (first == null) {
        return;
      }
      group.add(first);
      if (queue.size() < GROUP && first instanceof Entry) {
        LockSupport.parkNanos(GATHER_NANOS);
      }
      queue.drainTo(group, GROUP - 1);
    } else {
      queue.drainTo(group);
    }
  }

  /** Writes the group, and whatever else is due. */
  private void step(List<Item> group, boolean ended) throws InterruptedException {
    List<LogWriter.Stamped> events = new ArrayList<>(group.size());
    group.forEach(item -> {
      if (item instanceof Entry entry) {
        events.add(entry.stamped());
      }
    });
    Instant now = clock.instant();
    if (ended || due.minute()) {
      addSummaries(events, now);
    }
    if (ended) {
      events.add(new LogWriter.Stamped(now, new AuditEvent.Stopped()));
    }
    boolean done = write(events, ended);
    boolean wanted = group.stream().anyMatch(Wanted.class::isInstance);
    if (done && (ended || wanted || writer.isFull() || due.checkpoint())) {
      sign(group);
      if (!ended && writer.isFull()) {
        roll();
      }
    }
    group.forEach(item -> {
      if (item instanceof Wanted left) {
        left.answer().completeExceptionally(new AuditUnavailableException("closing"));
      }
    });
    group.clear();
  }

  private void addSummaries(List<LogWriter.Stamped> events, Instant now) {
    counts.take(now).forEach(count -> events.add(new LogWriter.Stamped(now, count)));
    refusals.take(now).ifPresent(summary -> events.add(new LogWriter.Stamped(now, summary)));
    long gone = lost.sum();
    if (gone > lostWritten) {
      events.add(new LogWriter.Stamped(now, new AuditEvent.Lost(gone - lostWritten)));
      lostWritten = gone;
    }
  }

  /** Until it is done, or the service stops. */
  private boolean write(List<LogWriter.Stamped> events, boolean lastTry)
      throws InterruptedException {
    boolean last = lastTry;
    while (!events.isEmpty()) {
      try {
        writer.append(events);
        written.add(events.size());
        due.written(
            events.size(),
            events.stream().allMatch(each -> each.event() instanceof AuditEvent.Count));
        if (fault != null) {
          LOG.log(System.Logger.Level.INFO, "the audit log can be written again");
          fault = null;
        }
        return true;
      } catch (IOException e) {
        if (fault == null) {
          LOG.log(
              System.Logger.Level.ERROR,
              "the audit log can''t be written, so nothing is issued: {0}",
              String.valueOf(e.getMessage()));
        }
        fault = String.valueOf(e.getMessage());
        if (last) {
          return false;
        }
        last = stopping.await(IDLE_MILLIS, TimeUnit.MILLISECONDS);
      }
    }
    return true;
  }

  private void sign(List<Item> group) {
    try {
      String jws = writer.checkpoint();
      newest = jws;
      signingFault = null;
      written.increment();
      due.signed();
      group.forEach(item -> {
        if (item instanceof Wanted wanted) {
          wanted.answer().complete(jws);
        }
      });
    } catch (IOException | AuditUnavailableException e) {
      if (signingFault == null) {
        LOG.log(
            System.Logger.Level.WARNING,
            "no checkpoint of the audit log yet: {0}",
            String.valueOf(e.getMessage()));
      }
      signingFault = String.valueOf(e.getMessage());
      due.notSigned();
      group.forEach(item -> {
        if (item instanceof Wanted wanted) {
          wanted.answer().completeExceptionally(e);
        }
      });
    }
  }

  private void roll() {
    writer.roll();
    try {
      writer.trim(due.clockIsBelieved());
    } catch (IOException | AuditUnavailableException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the audit log can''t be trimmed: {0}",
          String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void close() {
    stopping.countDown();
    try {
      thread.join(CLOSE_WAITS_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
