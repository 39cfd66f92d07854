package dev.vouchsafe.ca;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** A disk that takes nothing, be it ever so little, when the test says so. */
final class ReadOnlyDisk implements LedgerSchema.Connector {
  private @Nullable Connection connection;
  private boolean readOnly;

  @Override
  public synchronized Connection connect(Path file) throws SQLException {
    Connection opened = LedgerSchema.connect(file);
    connection = opened;
    limit();
    return opened;
  }

  synchronized void refuse(boolean wanted) throws SQLException {
    readOnly = wanted;
    limit();
  }

  private void limit() throws SQLException {
    if (connection != null && !connection.isClosed()) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("PRAGMA query_only = " + (readOnly ? "ON" : "OFF"));
      }
    }
  }
}
