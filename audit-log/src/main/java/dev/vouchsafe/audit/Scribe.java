package dev.vouchsafe.audit;

import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The thread that writes a log: what waits, in groups, and whatever else is due.
 *
 * <p>As long as the log can't be written, what waits is kept and tried again, and nothing that must
 * be recorded is taken: so nothing is handed out.
 */
final class Scribe {
  private static final System.Logger LOG = System.getLogger(Scribe.class.getName());

  /**
   * A write that takes longer is taken for one that doesn't end; so is a checkpoint, a new file and
   * the removal of old ones, since no entry is written meanwhile.
   */
  private static final long STALLED_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final long CLOSE_WAITS_MILLIS = 4000;
  private static final int LAST_TRIES = 4;
  private static final long LAST_PAUSE_MILLIS = 250;

  private final LogWriter writer;
  private final LogQueue queue;
  private final Summaries summaries;
  private final InstantSource clock;
  private final LongSupplier nanoTime;
  private final Due due;
  private final LongAdder written = new LongAdder();
  private final CountDownLatch tried = new CountDownLatch(1);
  private final Thread thread;
  private volatile @Nullable String fault;
  private volatile @Nullable String signingFault;
  private volatile @Nullable String newest;
  private volatile long trimmed;
  private volatile boolean writing;
  private volatile long writingSince;

  Scribe(
      LogWriter writer,
      LogQueue queue,
      Summaries summaries,
      InstantSource clock,
      BooleanSupplier certain,
      LongSupplier nanoTime) {
    this.writer = writer;
    this.queue = queue;
    this.summaries = summaries;
    this.clock = clock;
    this.nanoTime = nanoTime;
    this.due = new Due(nanoTime, clock, certain);
    this.trimmed = writer.trimmed();
    this.thread = new Thread(this::run, "vouchsafe-audit");
    this.thread.setDaemon(true);
  }

  /** Begins, and waits for the first attempt to write, so that it is known how that went. */
  void start() {
    thread.start();
    try {
      boolean _ = tried.await(STALLED_NANOS, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Why the log can't be written now, as far as is known. */
  @Nullable String fault() {
    if (fault == null && writing && nanoTime.getAsLong() - writingSince > STALLED_NANOS) {
      return "its disk, or the key store that signs it, does not answer";
    }
    return fault;
  }

  @Nullable String signingFault() {
    return signingFault;
  }

  /** The newest checkpoint. */
  @Nullable String newest() {
    return newest;
  }

  /** How many entries were removed since the log began. */
  long trimmed() {
    return trimmed;
  }

  /** How many entries were written since the service started. */
  long written() {
    return written.sum();
  }

  private void run() {
    List<LogQueue.Item> group = new ArrayList<>();
    try {
      boolean ended = false;
      boolean _ = write(new ArrayList<>(), false);
      tried.countDown();
      while (!ended) {
        ended = queue.isClosing();
        if (ended) {
          queue.drain(group);
        } else {
          queue.gather(group);
        }
        step(group, ended);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      if (fault == null) {
        fault = "its thread has ended";
      }
      writer.close();
      queue.giveUp("the audit log is closing");
    }
  }

  /** Writes the group, and whatever else is due. */
  private void step(List<LogQueue.Item> group, boolean ended) throws InterruptedException {
    List<LogQueue.Entry> entries = new ArrayList<>(group.size());
    group.forEach(item -> {
      if (item instanceof LogQueue.Entry entry && entry.isGivenUp()) {
        summaries.lose();
      } else if (item instanceof LogQueue.Entry entry) {
        entries.add(entry);
      }
    });
    if (ended || due.minute()) {
      summaries.take(clock.instant()).forEach(event -> entries.add(entry(event)));
    }
    if (ended) {
      entries.add(entry(new AuditEvent.Stopped()));
    }
    boolean done = write(entries, ended);
    boolean wanted = group.stream().anyMatch(LogQueue.Wanted.class::isInstance);
    if (done && ended) {
      signLast(group);
    } else if (done && (wanted || writer.isFull() || due.checkpoint())) {
      boolean whole = sign(group);
      if (whole && writer.isFull()) {
        roll();
      }
    }
    group.forEach(item -> {
      if (item instanceof LogQueue.Wanted left) {
        left.answer().completeExceptionally(new AuditUnavailableException("closing"));
      }
    });
    group.clear();
  }

  private LogQueue.Entry entry(AuditEvent event) {
    return new LogQueue.Entry(new LogWriter.Stamped(clock.instant(), event), null);
  }

  /** Until it is done, or the service stops. */
  private boolean write(List<LogQueue.Entry> entries, boolean lastTry) throws InterruptedException {
    boolean last = lastTry;
    while (!entries.isEmpty() || !writer.isBegun()) {
      try {
        append(entries);
        if (fault != null) {
          LOG.log(System.Logger.Level.INFO, "the audit log can be written again");
          fault = null;
        }
        return true;
      } catch (IOException | RuntimeException e) {
        // This is the edge of the thread: what nobody foresaw is to pass, too, and not to end it.
        String why = String.valueOf(e.getMessage());
        if (fault == null) {
          LOG.log(
              System.Logger.Level.ERROR,
              "the audit log can''t be written, so nothing is issued: {0}",
              why);
        }
        fault = why;
        tried.countDown();
        refuse(entries, "the audit log can't be written: " + why);
        if (last) {
          return false;
        }
        last = queue.pause();
      }
    }
    return true;
  }

  /** From now on, until {@code writing} is false, the disk is waited for. */
  private void busy() {
    writingSince = nanoTime.getAsLong();
    writing = true;
  }

  private void append(List<LogQueue.Entry> entries) throws IOException {
    try {
      busy();
      writer.append(entries.stream().map(LogQueue.Entry::stamped).toList());
    } finally {
      writing = false;
    }
    written.add(entries.size());
    if (!entries.isEmpty()) {
      due.written(
          entries.size(),
          entries.stream().allMatch(each -> each.stamped().event() instanceof AuditEvent.Count));
    }
    for (LogQueue.Entry entry : entries) {
      if (entry.kept() != null) {
        entry.kept().complete(null);
      }
    }
  }

  /**
   * Nobody is kept waiting for a log that can't be written: what must not happen unrecorded doesn't
   * happen. One entry is left to be tried with, which tells how many were given up.
   */
  private void refuse(List<LogQueue.Entry> entries, String why) {
    queue.giveUp(why);
    entries.removeIf(entry -> {
      if (entry.kept() == null) {
        return false;
      }
      entry.kept().completeExceptionally(new AuditUnavailableException(why));
      summaries.lose();
      return true;
    });
    if (entries.isEmpty()) {
      summaries.takeLost().forEach(event -> entries.add(entry(event)));
    }
  }

  /** False if a part of the checkpoint may stand in the file, which the next write cuts off. */
  private boolean sign(List<LogQueue.Item> group) {
    try {
      busy();
      String jws = writer.checkpoint();
      newest = jws;
      signingFault = null;
      written.increment();
      due.signed();
      group.forEach(item -> {
        if (item instanceof LogQueue.Wanted wanted) {
          wanted.answer().complete(jws);
        }
      });
      return true;
    } catch (IOException | AuditUnavailableException | RuntimeException e) {
      if (signingFault == null) {
        LOG.log(
            System.Logger.Level.WARNING,
            "no checkpoint of the audit log yet: {0}",
            String.valueOf(e.getMessage()));
      }
      signingFault = String.valueOf(e.getMessage());
      due.notSigned();
      group.forEach(item -> {
        if (item instanceof LogQueue.Wanted wanted) {
          wanted.answer().completeExceptionally(e);
        }
      });
      return e instanceof AuditUnavailableException;
    } finally {
      writing = false;
    }
  }

  /** A key that was still sealed may be there in a moment. */
  private void signLast(List<LogQueue.Item> group) throws InterruptedException {
    boolean whole = sign(group);
    for (int i = 0; whole && signingFault != null && i < LAST_TRIES; i++) {
      TimeUnit.MILLISECONDS.sleep(LAST_PAUSE_MILLIS);
      whole = sign(group);
    }
  }

  private void roll() {
    try {
      busy();
      writer.roll();
      writer.trim(due.clockIsBelieved());
      trimmed = writer.trimmed();
    } catch (IOException | AuditUnavailableException | RuntimeException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the audit log can''t be trimmed: {0}",
          String.valueOf(e.getMessage()));
    } finally {
      writing = false;
    }
  }

  /** Waits a moment for the end of the thread, which comes once the queue is closed. */
  void await() {
    try {
      thread.join(CLOSE_WAITS_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
