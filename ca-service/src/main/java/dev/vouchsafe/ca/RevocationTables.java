package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The ledger's tables of revocations. They are read over a connection of their own, since a long
 * list takes a while to read.
 */
final class RevocationTables implements AutoCloseable {
  private final Ledger ledger;
  private final LedgerWriter writer;
  private final Connection connection;

  RevocationTables(Ledger ledger, LedgerWriter writer, Path file) throws IOException {
    this.ledger = ledger;
    this.writer = writer;
    try {
      this.connection = LedgerSchema.connectToRead(file);
    } catch (SQLException e) {
      throw new IOException(file + " can't be read: " + e.getMessage(), e);
    }
  }

  LedgerWriter writer() {
    return writer;
  }

  /** Throws while the ledger has a gap that nobody accepted: nothing is issued then. */
  void requireNoGap() throws IssuanceException {
    ledger.gaps().requireNone();
  }

  /** Records by that write that these octets are about to be signed. */
  Ledger.DurableIntent record(LedgerQueue.Write write, byte[] tbs) throws IssuanceException {
    return ledger.record(write, tbs);
  }

  /** Notes how far a recorded certificate came. */
  void outcome(byte[] serial, LedgerEntry.State state) {
    ledger.outcome(serial, state);
  }

  /** Every row of a query. */
  synchronized <T> List<T> all(String sql, LedgerReader.RowReader<T> reader, Object... values)
      throws IssuanceException {
    List<T> items = new ArrayList<>();
    try (PreparedStatement query = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        query.setObject(i + 1, values[i]);
      }
      try (ResultSet rows = query.executeQuery()) {
        while (rows.next()) {
          items.add(reader.read(rows));
        }
      }
      return items;
    } catch (SQLException e) {
      throw new IssuanceException(Reason.LEDGER_UNAVAILABLE, "the ledger can't be read", e);
    }
  }

  /** A column of seconds since 1970, which may be NULL. */
  static Optional<Instant> instant(ResultSet row, int column) throws SQLException {
    long second = row.getLong(column);
    return row.wasNull() ? Optional.empty() : Optional.of(Instant.ofEpochSecond(second));
  }

  @Override
  public synchronized void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      System.getLogger(RevocationTables.class.getName())
          .log(System.Logger.Level.WARNING, "closing the ledger: {0}", e.getMessage());
    }
  }
}
