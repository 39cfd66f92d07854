package dev.vouchsafe.ca;

import dev.vouchsafe.ca.clock.TrustedClock;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Packs entries of certificates that ended long ago into the archive, on a thread of its own, one
 * block in one transaction: a crash leaves an entry in one place or the other. Under a limit that
 * is nearly reached, all that has ended.
 *
 * <p>Under a clock in doubt nothing is packed. Revoked certificates and the newest of all stay as
 * they are. A clock may be certain and wrong: what lives by the present one is brought back.
 */
final class LedgerThinning implements AutoCloseable {
  /** A certificate of the ledger's table, by its number there. */
  record Row(long id, LedgerEntry entry) {}

  private static final System.Logger LOG = System.getLogger(LedgerThinning.class.getName());

  /** What has just ended may still get its outcome noted. */
  private static final Duration LEAST = Duration.ofHours(1);

  private static final Duration SELDOM = Duration.ofMinutes(1);
  private static final Duration OFTEN = Duration.ofSeconds(1);

  /** While nothing is issued for the length of the log alone. */
  private static final Duration SOON = Duration.ofMillis(100);

  private static final Duration CLOSE_WAITS = Duration.ofSeconds(1);
  private static final Duration WRITE_WAITS = Duration.ofSeconds(30);

  /** Others have the ledger's thread for at least so many times as long as this. */
  private static final int SHARE = 4;

  private final LedgerReader reader;
  private final LedgerWriter writer;
  private final LedgerArchive archive;
  private final TokenArchive tokens;
  private final LedgerBudget budget;
  private final LedgerSettings settings;
  private final TrustedClock clock;
  private final AtomicLong archived = new AtomicLong();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Thread thread;
  private boolean closed;
  private boolean woken;

  LedgerThinning(
      LedgerReader reader,
      LedgerWriter writer,
      LedgerArchive archive,
      LedgerBudget budget,
      LedgerSettings settings,
      TrustedClock clock) {
    this.reader = reader;
    this.writer = writer;
    this.archive = archive;
    this.tokens = new TokenArchive(writer, reader);
    this.budget = budget;
    this.settings = settings;
    this.clock = clock;
    thread = Thread.ofPlatform().daemon().name("vouchsafe-thinning").unstarted(this::run);
  }

  void start() {
    budget.listen(this::wake);
    clock.listen(change -> wake());
    thread.start();
  }

  /** Has it look now. */
  private void wake() {
    lock.lock();
    try {
      woken = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How many entries were packed by this. */
  long archived() {
    return archived.get();
  }

  private void run() {
    try {
      // Whoever starts has more to read than this; it packs a minute later.
      look(false);
      while (pause(untilNext(), true)) {
        look(true);
      }
    } catch (InterruptedException e) {
      // Nobody has a reason to; what is not packed is packed after the next start.
      Thread.currentThread().interrupt();
    }
  }

  private Duration untilNext() {
    if (budget.isLogFull()) {
      return SOON;
    }
    return budget.isPressed() || budget.isFull() ? OFTEN : SELDOM;
  }

  /** Brings back all that lives, and packs all that is to be packed now. */
  void look(boolean packs) throws InterruptedException {
    try {
      count();
      if (budget.isFull()) {
        // Nothing is committed then that would tell that there is room again.
        KeyLedger.await(writer.measured(), WRITE_WAITS);
      }
      // What is left of a full ledger is for revocations.
      while (!budget.isFull()
          && (archive.bringBackBlock(clock.instant()) || tokens.bringBack(clock.instant()))) {
        if (!pause(Duration.ZERO, false)) {
          return;
        }
      }
      long begun = System.nanoTime();
      while (packs && (packBlock() || packTokens())) {
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        if (!pause(budget.isFull() ? Duration.ZERO : took.multipliedBy(SHARE), false)) {
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

  /** Tells the budget for how many certificates it must keep room, so that all can be revoked. */
  private void count() throws SQLException {
    if (budget.isLimited()) {
      long counted = budget.counted();
      List<Long> living =
          reader.all(
              "SELECT COUNT(*) FROM certificate INDEXED BY certificate_end WHERE not_after > "
                  + clock.instant().getEpochSecond(),
              row -> row.getLong(1));
      budget.living(living.getFirst(), counted);
    }
  }

  /** Packs one block, and says whether there may be another. */
  boolean packBlock() throws SQLException, IssuanceException {
    boolean pressed = budget.isPressed();
    Optional<Instant> now = certainly();
    if (now.isEmpty()) {
      return false;
    }
    List<Row> rows = reader.endedBefore(now.get().minus(whole(pressed)), ArchiveBlock.MOST_ENTRIES);
    boolean many = rows.size() == ArchiveBlock.MOST_ENTRIES;
    if (!many && !(pressed && !rows.isEmpty())) {
      return false;
    }
    byte[] packed = ArchiveBlock.pack(rows.stream().map(Row::entry).toList());
    CompletableFuture<?> written =
        writer.conditional(ledger -> LedgerArchive.pack(ledger, rows, packed));
    KeyLedger.await(written, WRITE_WAITS);
    archived.addAndGet(rows.size());
    return many;
  }

  /** Packs blocks of token ids whose tokens ended long ago, and says whether there may be more. */
  boolean packTokens() throws SQLException, IssuanceException {
    boolean pressed = budget.isPressed();
    Optional<Instant> now = certainly();
    return now.isPresent() && tokens.pack(now.get().minus(whole(pressed)), pressed);
  }

  private Duration whole(boolean pressed) {
    return pressed || settings.whole().compareTo(LEAST) < 0 ? LEAST : settings.whole();
  }

  /** The time, if it is certain before and after it was read: it may jump in between. */
  private Optional<Instant> certainly() {
    long epoch = clock.epoch();
    boolean before = clock.isCertain();
    Instant now = clock.instant();
    return before && clock.isCertain() && clock.epoch() == epoch
        ? Optional.of(now)
        : Optional.empty();
  }

  /**
   * Returns false if it is to end.
   *
   * @param wakes whether what it is woken for ends the pause
   */
  private boolean pause(Duration time, boolean wakes) throws InterruptedException {
    lock.lock();
    try {
      long left = time.toNanos();
      while (!closed && left > 0 && !(wakes && woken)) {
        left = changed.awaitNanos(left);
      }
      woken &= !wakes;
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
