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

  /** A write that takes longer is taken for one that doesn't end. */
  private static final long STALLED_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final long CLOSE_WAITS_MILLIS = 4000;
  private static final long IDLE_MILLIS = 500;

  /** What comes within this time shares a sync; nobody waits for it. */
  private static final long GATHER_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** What waits: an event, or somebody who wants a checkpoint. */
  private sealed interface Item {}

  /**
   * @param kept for what must not happen unrecorded: is told how that went
   */
  private record Entry(LogWriter.Stamped stamped, @Nullable CompletableFuture<Void> kept)
      implements Item {
    /** Whoever waited for it has been told that it isn't recorded. */
    boolean isGivenUp() {
      return kept != null && kept.isDone();
    }
  }

  private record Wanted(CompletableFuture<String> answer) implements Item {}

  private final LogWriter writer;
  private final CheckpointSigner signer;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
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
  private volatile long trimmed;
  private volatile boolean writing;
  private volatile long writingSince;

  /** Of those that were lost, how many the log says were; for the thread. */
  private long lostWritten;

  private RunningLog(
      LogWriter writer, CheckpointSigner signer, InstantSource clock, LongSupplier nanoTime) {
    this.writer = writer;
    this.signer = signer;
    this.clock = clock;
    this.nanoTime = nanoTime;
    Instant now = clock.instant();
    this.counts = new Counts(now);
    this.refusals = new RefusalBudget(nanoTime, now);
    this.due = new Due(nanoTime, clock);
    this.trimmed = writer.trimmed();
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
        // Of what was made and withheld an entry says that it was issued; this one takes it back.
        && !decision.made()
        && !refusals.admit(decision)) {
      summarised.increment();
    } else if (!queue.offer(entry(event, null))) {
      lost.increment();
    }
  }

  @Override
  public void promise(AuditEvent event) throws AuditUnavailableException {
    put(event, null);
  }

  private void put(AuditEvent event, @Nullable CompletableFuture<Void> kept)
      throws AuditUnavailableException {
    String known = fault();
    if (stopping.getCount() == 0) {
      throw new AuditUnavailableException("the audit log is closing");
    } else if (known != null) {
      throw new AuditUnavailableException("the audit log can't be written: " + known);
    } else if (!queue.offer(entry(event, kept))) {
      throw new AuditUnavailableException("the audit log is behind");
    }
  }

  @Override
  public CompletableFuture<Void> record(AuditEvent event) {
    CompletableFuture<Void> kept = new CompletableFuture<>();
    try {
      put(event, kept);
    } catch (AuditUnavailableException e) {
      return CompletableFuture.failedFuture(e);
    }
    return kept.orTimeout(LONGEST_WAIT.toNanos(), TimeUnit.NANOSECONDS)
        .exceptionallyCompose(error ->
            error instanceof TimeoutException
                ? failed("the audit log's disk does not answer")
                : CompletableFuture.failedFuture(error));
  }

  private static <T> CompletableFuture<T> failed(String why) {
    return CompletableFuture.failedFuture(new AuditUnavailableException(why));
  }

  @Override
  public void require(AuditEvent event) throws AuditUnavailableException {
    await(record(event));
  }

  private static <T> T await(CompletableFuture<T> wanted) throws AuditUnavailableException {
    try {
      return wanted.get(LONGEST_WAIT.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new AuditUnavailableException(String.valueOf(cause.getMessage()), cause);
    } catch (TimeoutException e) {
      throw new AuditUnavailableException("the audit log's disk does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AuditUnavailableException("interrupted", e);
    }
  }

  /** Why it can't be written now, as far as is known. */
  private @Nullable String fault() {
    if (fault == null && writing && nanoTime.getAsLong() - writingSince > STALLED_NANOS) {
      return "its disk does not answer";
    }
    return fault;
  }

  private Entry entry(AuditEvent event, @Nullable CompletableFuture<Void> kept) {
    return new Entry(new LogWriter.Stamped(clock.instant(), event), kept);
  }

  @Override
  public void count(String module, String operation) {
    counts.add(module, operation);
  }

  @Override
  public String checkpoint() throws AuditUnavailableException {
    Wanted wanted = new Wanted(new CompletableFuture<>());
    if (!queue.offer(wanted)) {
      throw new AuditUnavailableException("the audit log is behind");
    }
    return await(wanted.answer());
  }

  @Override
  public AuditStatus status() {
    return new AuditStatus(
        written.sum(),
        summarised.sum(),
        lost.sum(),
        queue.size(),
        trimmed,
        Optional.ofNullable(fault()),
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
      giveUp("the audit log is closing");
    }
  }

  /** Tells all who wait in the queue that what they want recorded is not. */
  private void giveUp(String why) {
    for (Item item : queue) {
      if (item instanceof Entry entry && entry.kept() != null) {
        entry.kept().completeExceptionally(new AuditUnavailableException(why));
      }
    }
  }

  private void gather(List<Item> group, boolean ended) throws InterruptedException {
    if (!ended) {
      Item first = queue.poll(IDLE_MILLIS, TimeUnit.MILLISECONDS);
      if (first == null) {
        return;
      }
      group.add(first);
      if (queue.size() < GROUP && first instanceof Entry entry && entry.kept() == null) {
        LockSupport.parkNanos(GATHER_NANOS);
      }
      queue.drainTo(group, GROUP - 1);
    } else {
      queue.drainTo(group);
    }
  }

  /** Writes the group, and whatever else is due. */
  private void step(List<Item> group, boolean ended) throws InterruptedException {
    List<Entry> entries = new ArrayList<>(group.size());
    group.forEach(item -> {
      if (item instanceof Entry entry && entry.isGivenUp()) {
        lost.increment();
      } else if (item instanceof Entry entry) {
        entries.add(entry);
      }
    });
    if (ended || due.minute()) {
      addSummaries(entries);
    }
    if (ended) {
      entries.add(entry(new AuditEvent.Stopped(), null));
    }
    boolean done = write(entries, ended);
    boolean wanted = group.stream().anyMatch(Wanted.class::isInstance);
    if (done && (ended || wanted || writer.isFull() || due.checkpoint())) {
      boolean whole = sign(group);
      if (whole && !ended && writer.isFull()) {
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

  private void addSummaries(List<Entry> entries) {
    Instant now = clock.instant();
    counts.take(now).forEach(count -> entries.add(entry(count, null)));
    refusals.take(now).ifPresent(summary -> entries.add(entry(summary, null)));
    addLost(entries);
  }

  private void addLost(List<Entry> entries) {
    long gone = lost.sum();
    if (gone > lostWritten) {
      entries.add(entry(new AuditEvent.Lost(gone - lostWritten), null));
      lostWritten = gone;
    }
  }

  /** Until it is done, or the service stops. */
  private boolean write(List<Entry> entries, boolean lastTry) throws InterruptedException {
    boolean last = lastTry;
    while (!entries.isEmpty()) {
      try {
        append(entries);
        if (fault != null) {
          LOG.log(System.Logger.Level.INFO, "the audit log can be written again");
          fault = null;
        }
        return true;
      } catch (IOException e) {
        String why = String.valueOf(e.getMessage());
        if (fault == null) {
          LOG.log(
              System.Logger.Level.ERROR,
              "the audit log can''t be written, so nothing is issued: {0}",
              why);
        }
        fault = why;
        refuse(entries, "the audit log can't be written: " + why);
        if (last) {
          return false;
        }
        last = stopping.await(IDLE_MILLIS, TimeUnit.MILLISECONDS);
      }
    }
    return true;
  }

  private void append(List<Entry> entries) throws IOException {
    writingSince = nanoTime.getAsLong();
    writing = true;
    try {
      writer.append(entries.stream().map(Entry::stamped).toList());
    } finally {
      writing = false;
    }
    written.add(entries.size());
    due.written(
        entries.size(),
        entries.stream().allMatch(each -> each.stamped().event() instanceof AuditEvent.Count));
    for (Entry entry : entries) {
      if (entry.kept() != null) {
        entry.kept().complete(null);
      }
    }
  }

  /**
   * Nobody is kept waiting for a log that can't be written: what must not happen unrecorded doesn't
   * happen. One entry is left to be tried with, which tells how many were given up.
   */
  private void refuse(List<Entry> entries, String why) {
    giveUp(why);
    entries.removeIf(entry -> {
      if (entry.kept() == null) {
        return false;
      }
      entry.kept().completeExceptionally(new AuditUnavailableException(why));
      lost.increment();
      return true;
    });
    if (entries.isEmpty()) {
      addLost(entries);
    }
  }

  /** False if a part of the checkpoint may stand in the file, which the next write cuts off. */
  private boolean sign(List<Item> group) {
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
      return true;
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
      return e instanceof AuditUnavailableException;
    }
  }

  private void roll() {
    writer.roll();
    try {
      writer.trim(due.clockIsBelieved());
      trimmed = writer.trimmed();
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
