package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.OptionalLong;

/**
 * Keeps the ledger's files within their limit. Before it is reached, no more certificates are
 * recorded; what little room is left then is for all else, such as how certificates ended, and for
 * packing. Beyond the limit SQLite itself writes nothing.
 *
 * <p>Of the limit the log has a fixed part, which it keeps to unless somebody reads for very long:
 * nothing is recorded then either, until it was copied back. Measured on the ledger's thread, asked
 * by all.
 */
final class LedgerBudget {
  private static final System.Logger LOG = System.getLogger(LedgerBudget.class.getName());
  private static final long MIB = 1024L * 1024;

  /** Every so many commits, where there is no limit to keep. */
  private static final int SELDOM = 256;

  private final OptionalLong most;
  private final long logRoom;
  private final long reserve;
  private volatile long octets;
  private volatile boolean full;
  private volatile boolean pressed;
  private int commits;

  /**
   * @param most octets of all files, if that is limited
   * @param logRoom how many of them the log may have
   * @param reserve how many are not for certificates
   */
  LedgerBudget(OptionalLong most, long logRoom, long reserve) {
    this.most = most;
    this.logRoom = logRoom;
    this.reserve = reserve;
  }

  static LedgerBudget of(LedgerSettings settings) {
    return new LedgerBudget(settings.most(), 20 * MIB, 4 * MIB);
  }

  /** Whether nothing more is to be recorded. */
  boolean isFull() {
    return full;
  }

  /** Whether so much is taken that all that has ended should be packed. */
  boolean isPressed() {
    return pressed;
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
      statement.execute("PRAGMA journal_size_limit = " + logRoom);
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
    long pages = ledger.usedOctets();
    long logged = size(log);
    octets = pages + logged;
    if (most.isPresent()) {
      pressed = pages > pagesRoom() / 4 * 3;
      tell(pages + reserve > pagesRoom() || logged > logRoom);
    }
  }

  private void tell(boolean isFull) {
    if (isFull != full) {
      LOG.log(
          isFull ? System.Logger.Level.ERROR : System.Logger.Level.INFO,
          isFull
              ? "the ledger has reached [limits] ledger-mb: no certificate is issued until entries"
                  + " that have ended are packed, or the limit is raised"
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
