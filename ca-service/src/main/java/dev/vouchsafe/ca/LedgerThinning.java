package dev.vouchsafe.ca;

import dev.vouchsafe.ca.clock.TrustedClock;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Packs entries of certificates that ended long ago into the archive, on a thread of its own, one
 * block in one transaction: a crash leaves an entry in one place or the other. Under a limit that
 * is nearly reached, all that has ended.
 *
 * <p>What can't be undone wants a certain time: under a clock in doubt nothing is packed. Revoked
 * certificates and the newest of all stay as they are.
 */
final class LedgerThinning implements AutoCloseable {
  /** A certificate of the ledger's table, by its number there. */
  record Row(long id, LedgerEntry entry) {}

  private static final System.Logger LOG = System.getLogger(LedgerThinning.class.getName());

  /** What has just ended may still get its outcome noted. */
  private static final Duration LEAST = Duration.ofHours(1);

  private static final Duration SELDOM = Duration.ofMinutes(1);
  private static final Duration OFTEN = Duration.ofSeconds(1);
  private static final Duration CLOSE_WAITS = Duration.ofSeconds(1);
  private static final Duration WRITE_WAITS = Duration.ofSeconds(30);

  /** Others have the ledger's thread for at least so many times as long as this. */
  private static final int SHARE = 4;

  private final LedgerReader reader;
  private final LedgerWriter writer;
  private final LedgerBudget budget;
  private final LedgerSettings settings;
  private final TrustedClock clock;
  private final AtomicLong archived = new AtomicLong();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Thread thread;
  private boolean closed;

  LedgerThinning(
      LedgerReader reader,
      LedgerWriter writer,
      LedgerBudget budget,
      LedgerSettings settings,
      TrustedClock clock) {
    this.reader = reader;
    this.writer = writer;
    this.budget = budget;
    this.settings = settings;
    this.clock = clock;
    thread = Thread.ofPlatform().daemon().name("vouchsafe-thinning").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** How many entries were packed by this. */
  long archived() {
    return archived.get();
  }

  private void run() {
    try {
      while (pause(budget.isPressed() || budget.isFull() ? OFTEN : SELDOM)) {
        pack();
      }
    } catch (InterruptedException e) {
      // Nobody has a reason to; what is not packed is packed after the next start.
      Thread.currentThread().interrupt();
    }
  }

  /** Packs all that is to be packed now. */
  private void pack() throws InterruptedException {
    try {
      if (budget.isFull()) {
        // Nothing is committed then that would tell that there is room again.
        KeyLedger.await(writer.measured(), WRITE_WAITS);
      }
      long begun = System.nanoTime();
      while (packBlock()) {
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        if (!pause(budget.isFull() ? Duration.ZERO : took.multipliedBy(SHARE))) {
          return;
        }
        begun = System.nanoTime();
      }
    } catch (IssuanceException | SQLException | IllegalArgumentException e) {
      // The last if a row holds what this program never wrote.
      LOG.log(
          System.Logger.Level.WARNING, "ended entries can''t be packed now: {0}", e.getMessage());
    }
  }

  /** Packs one block, and says whether there may be another. */
  boolean packBlock() throws SQLException, IssuanceException {
    boolean pressed = budget.isPressed();
    if (!clock.isCertain()) {
      return false;
    }
    Duration whole = pressed || settings.whole().compareTo(LEAST) < 0 ? LEAST : settings.whole();
    Instant now = clock.instant();
    List<Row> rows = reader.endedBefore(now.minus(whole), ArchiveBlock.MOST_ENTRIES);
    boolean many = rows.size() == ArchiveBlock.MOST_ENTRIES;
    if (!many && !(pressed && !rows.isEmpty())) {
      return false;
    }
    byte[] packed = ArchiveBlock.pack(rows.stream().map(Row::entry).toList());
    CompletableFuture<?> written = writer.conditional(ledger -> ledger.archive(rows, packed));
    KeyLedger.await(written, WRITE_WAITS);
    archived.addAndGet(rows.size());
    return many;
  }

  /** Returns false if it is to end. */
  private boolean pause(Duration time) throws InterruptedException {
    lock.lock();
    try {
      long left = time.toNanos();
      while (!closed && left > 0) {
        left = changed.awaitNanos(left);
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  /** Ends it, if a block that is being written doesn't take long. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    try {
      boolean _ = thread.join(CLOSE_WAITS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
