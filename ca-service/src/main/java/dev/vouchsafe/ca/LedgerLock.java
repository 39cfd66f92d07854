package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.sqlite.SQLiteConfig.JournalMode;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * Keeps a second process, and a second opening in this one, off the ledger: an exclusive
 * transaction on the empty database {@code ca.lock}, which ends with its process however that ends.
 *
 * <p>Not a {@code FileLock}: closing any channel on the file would let go of it (POSIX fcntl), and
 * SQLite already keeps account of that.
 */
final class LedgerLock implements AutoCloseable {
  private static final String FILE = "ca.lock";

  private final Connection connection;

  private LedgerLock(Connection connection) {
    this.connection = connection;
  }

  /**
   * @throws IOException if somebody else has the lock, or the folder can't be written
   */
  static LedgerLock take(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    try {
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } catch (FileAlreadyExistsException e) {
      // It stays from the first time on.
    }
    try {
      Connection connection = LedgerSchema.connect(file, JournalMode.MEMORY, 0);
      try (Statement statement = connection.createStatement()) {
        statement.execute("BEGIN EXCLUSIVE");
        return new LedgerLock(connection);
      } catch (SQLException e) {
        connection.close();
        throw e;
      }
    } catch (SQLException e) {
      if (e instanceof SQLiteException sqlite
          && sqlite.getResultCode() == SQLiteErrorCode.SQLITE_BUSY) {
        throw new IOException("another process uses the CA in " + folder, e);
      }
      throw new IOException(file + " can't be used: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    try {
      connection.close();
    } catch (SQLException e) {
      throw new IllegalStateException("the ledger's lock could not be given back", e);
    }
  }
}
