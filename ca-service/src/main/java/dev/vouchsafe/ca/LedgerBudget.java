package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.OptionalLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * Keeps the ledger's files within their limit. Before it is reached, no more certificates of
 * modules and blocks of token ids are recorded; what room is left then is for all else: how
 * certificates ended, packing, the service's own certificate, authorities, lists, and the
 * revocation of every certificate that lives. Beyond the limit SQLite itself writes no page.
 *
 * <p>Of the limit the log has a fixed part at least. While somebody reads for long it can't begin
 * anew, and takes what the database has not taken yet. Measured on the ledger's thread, asked by
 * all.
 */
final class LedgerBudget {
  private static final System.Logger LOG = System.getLogger(LedgerBudget.class.getName());
  private static final long MIB = 1024L * 1024;

  /** Every so many commits, where there is no limit to keep. */
  private static final int SELDOM = 256;

  /** A row of the table of revocations at its longest, its indexes included. */
  private static final long A_REVOCATION = 136;

  private static final long LEAST_LOG = 20 * MIB;
  private static final int LOG_SHARE = 4;

  private final OptionalLong most;
  private final long logRoom;
  private final long reserve;

  /** Certificates that were recorded since the start, and how many living there were before. */
  private final LongAdder recorded = new LongAdder();

  private volatile long livingBefore;
  private volatile long octets;
  private volatile boolean full;
  private volatile boolean logged;
  private volatile boolean pressed;
  private volatile Runnable listener = () -> {};
  private int commits;

  /**
   * @param most octets of all files, if that is limited
   * @param logRoom how many of them the log has for certain
   * @param reserve how many are for neither certificates nor their revocation
   */
  LedgerBudget(OptionalLong most, long logRoom, long reserve) {
    this.most = most;
    this.logRoom = logRoom;
    this.reserve = reserve;
  }

  static LedgerBudget of(LedgerSettings settings) {
    long log = Math.max(LEAST_LOG, settings.most().orElse(0) / LOG_SHARE);
    return new LedgerBudget(settings.most(), log, 4 * MIB);
  }

  /** Whether there is a limit. */
  boolean isLimited() {
    return most.isPresent();
  }

  /** Whether nothing more is to be issued. */
  boolean isFull() {
    return full;
  }

  /** Whether that is for the log alone, which is copied back as soon as nobody reads it. */
  boolean isLogFull() {
    return full && logged;
  }

  /** Whether so much is taken that all that has ended should be packed. */
  boolean isPressed() {
    return pressed;
  }

  /** Has that run when it becomes full or pressed, on the ledger's thread: it must not wait. */
  void listen(Runnable wanted) {
    listener = wanted;
  }

  /** One more certificate is about to be recorded, which may have to be revoked. */
  void count() {
    recorded.increment();
  }

  /** How many were counted so far. */
  long counted() {
    return recorded.sum();
  }

  /**
   * Says how many certificates live.
   *
   * @param living as the ledger has them
   * @param counted what {@link #counted} was before it was asked
   */
  void living(long living, long counted) {
    livingBefore = living - counted;
  }

  /** What must stay free so that all that lives can be revoked, and the rest be recorded. */
  private long kept() {
    return reserve + A_REVOCATION * Math.max(0, livingBefore + recorded.sum());
  }

  LedgerStatus status(long archived) {
    return new LedgerStatus(octets, most, full, archived);
  }

  /** Has that connection write no more than the limit allows. */
  void bound(Connection connection) throws SQLException {
    if (most.isEmpty()) {
      return;
    }
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_size_limit = " + Math.min(logRoom, LEAST_LOG));
      // Never below what the file has already.
      statement.execute(
          "PRAGMA max_page_count = " + Math.max(1, pagesRoom() / LedgerStatements.PAGE_OCTETS));
    }
  }

  private long pagesRoom() {
    return most.orElseThrow() - logRoom;
  }

  /** After a commit, on the ledger's thread. */
  void measure(LedgerStatements ledger, Path log) throws SQLException {
    if (most.isEmpty() && commits++ % SELDOM != 0) {
      return;
    }
    long used = ledger.usedOctets();
    long logOctets = size(log);
    octets = used + logOctets;
    if (most.isPresent()) {
      boolean wasPressed = pressed;
      long taken = used + kept();
      pressed = taken > pagesRoom() / 4 * 3;
      boolean pagesFull = taken > pagesRoom();
      // The file keeps its free pages, and the log can't have them.
      logged = !pagesFull && logOctets > logRoom && ledger.fileOctets() + logOctets > most();
      boolean wasFull = full;
      tell(pagesFull || logged);
      if ((full && !wasFull) || (pressed && !wasPressed)) {
        listener.run();
      }
    }
  }

  private long most() {
    return most.orElseThrow();
  }

  private void tell(boolean isFull) {
    if (isFull != full) {
      LOG.log(
          isFull ? System.Logger.Level.ERROR : System.Logger.Level.INFO,
          isFull
              ? "the ledger has reached [limits] ledger-mb: nothing is issued until entries"
                  + " that have ended are packed, the log is copied back, or the limit is raised"
              : "the ledger has room again");
      full = isFull;
    }
  }

  private static long size(Path log) {
    try {
      return Files.size(log);
    } catch (NoSuchFileException e) {
      return 0;
    } catch (IOException e) {
      // Then it can't be written either, and that is told by who tries.
      return 0;
    }
  }
}
