package dev.vouchsafe.ca;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** A disk that is full when the test says so: SQLite itself answers SQLITE_FULL. */
final class FullDisk implements LedgerSchema.Connector {
  private @Nullable Connection connection;
  private boolean full;
  private boolean nothing;

  @Override
  public synchronized Connection connect(Path file) throws SQLException {
    Connection opened = LedgerSchema.connect(file);
    connection = opened;
    limit();
    return opened;
  }

  synchronized void fill() throws SQLException {
    full = true;
    limit();
  }

  synchronized void free() throws SQLException {
    full = false;
    nothing = false;
    limit();
  }

  /** Not even what would fit into the pages that there are is written: the log can't grow. */
  synchronized void takeNothing() throws SQLException {
    nothing = true;
    limit();
  }

  private void limit() throws SQLException {
    if (connection != null && !connection.isClosed()) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("PRAGMA max_page_count = " + (full ? 1 : 1_000_000));
        statement.execute("PRAGMA query_only = " + (nothing ? 1 : 0));
      }
    }
  }
}
