package dev.vouchsafe.ca;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteConfig.JournalMode;
import org.sqlite.SQLiteConfig.Pragma;
import org.sqlite.SQLiteConfig.SynchronousMode;
import org.sqlite.SQLiteConfig.TransactionMode;
import org.sqlite.SQLiteOpenMode;

/** The file {@code ca.db}: how it is made, brought up to date, and how connections to it open. */
final class LedgerSchema {
  static final String FILE = "ca.db";

  /** Read as "VcCA" by file(1) and everything else that looks at octets 68 to 71 of the file. */
  private static final int APPLICATION_ID = 0x56634341;

  /** Older files than the newest version are brought up to date when they are opened. */
  private static final int FIRST_VERSION = 1;

  static final int BUSY_TIMEOUT_MILLIS = 5000;
  private static final int CACHE_KIB = 8 * 1024;

  /**
   * The log may grow to 16 MiB: pages that change with every group are then copied back less often.
   */
  private static final int CHECKPOINT_PAGES = 4000;

  private static final long QUICK_CHECK_UP_TO = 8L * 1024 * 1024;

  /** Opens the connection that writes. Tests put a broken disk here. */
  interface Connector {
    Connection connect(Path file) throws SQLException;
  }

  private LedgerSchema() {}

  /**
   * Makes the file, readable by its owner only, and the tables in it.
   *
   * @throws IOException if there is such a file already, or the folder can't be written
   */
  static void create(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    try {
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    } catch (FileAlreadyExistsException e) {
      throw new IOException("there is a CA already: " + file, e);
    }
    try (Connection connection = connect(file, JournalMode.WAL, BUSY_TIMEOUT_MILLIS);
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("PRAGMA application_id = " + APPLICATION_ID);
      update(statement, 0);
      connection.commit();
    } catch (SQLException e) {
      throw unreadable(file, e);
    }
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Makes what a file of that version lacks, and says so, in the transaction under way. */
  static void update(Statement statement, int version) throws SQLException {
    for (String change : LedgerVersions.after(version)) {
      statement.execute(change);
    }
    statement.execute("PRAGMA user_version = " + LedgerVersions.NEWEST);
  }

  /**
   * Refuses a folder without a ledger before anything is written to it.
   *
   * @throws IOException if the file isn't there, or can't be written
   */
  static void requireFile(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      throw new IOException("there is no CA in " + folder + ": " + FILE + " is missing");
    }
    if (!Files.isWritable(file)) {
      throw new IOException(file + " can't be written: check its owner and mode");
    }
  }

  /**
   * Holds an existing file against what this program reads, and brings one of an older version up
   * to date, in one transaction: a crash leaves the one version or the other.
   *
   * @throws IOException if it is another program's, of another version or damaged
   */
  static void checkAndUpdate(Path folder, Connector connector) throws IOException {
    Path file = folder.resolve(FILE);
    try (Connection connection = connect(file, JournalMode.WAL, BUSY_TIMEOUT_MILLIS);
        Statement statement = connection.createStatement()) {
      int version = requireOurs(file, statement);
      // Reads the whole file, so that it stays cheap only while the file is small.
      if (Files.size(file) <= QUICK_CHECK_UP_TO) {
        quickCheck(file, statement);
      }
      if (version != LedgerVersions.NEWEST) {
        update(file, connector, version);
      }
    } catch (SQLException e) {
      throw unreadable(file, e);
    }
  }

  /** The version of the file, if it is one that this program reads. */
  private static int requireOurs(Path file, Statement statement) throws SQLException, IOException {
    if (integer(statement, "PRAGMA application_id") != APPLICATION_ID) {
      throw new IOException(file + " is not a database of this program");
    }
    int version = integer(statement, "PRAGMA user_version");
    if (version < FIRST_VERSION || version > LedgerVersions.NEWEST) {
      throw new IOException(
          file
              + " is of version "
              + version
              + ", this program reads "
              + FIRST_VERSION
              + " to "
              + LedgerVersions.NEWEST
              + ": use the release that made it, or restore a backup");
    }
    return version;
  }

  private static void update(Path file, Connector connector, int version) throws SQLException {
    try (Connection connection = connector.connect(file);
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      update(statement, version);
      connection.commit();
    }
  }

  private static void quickCheck(Path file, Statement statement) throws SQLException, IOException {
    try (ResultSet rows = statement.executeQuery("PRAGMA quick_check(1)")) {
      if (!rows.next() || !rows.getString(1).equals("ok")) {
        throw new IOException(file + " is damaged: restore a backup");
      }
    }
  }

  private static int integer(Statement statement, String query) throws SQLException {
    try (ResultSet rows = statement.executeQuery(query)) {
      return rows.next() ? rows.getInt(1) : 0;
    }
  }

  private static IOException unreadable(Path file, SQLException e) {
    return new IOException(
        file
            + " can't be used: "
            + e.getMessage()
            + "; if its disk is full, make room; if it is damaged, restore a backup",
        e);
  }

  /**
   * A connection to the ledger. Every commit on it is synced before it returns. What is replaced or
   * deleted is overwritten with zeros, so that a sealed secret doesn't stand in a free page.
   */
  static Connection connect(Path file) throws SQLException {
    Connection connection = connect(file, JournalMode.WAL, BUSY_TIMEOUT_MILLIS);
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA secure_delete = ON");
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  /** A connection that can only read. */
  static Connection connectToRead(Path file) throws SQLException {
    Connection connection = connect(file, JournalMode.WAL, BUSY_TIMEOUT_MILLIS);
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA query_only = ON");
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  /**
   * A connection that changes nothing of a file that nobody else uses, not even its version.
   *
   * @throws IOException if it isn't there, is another program's, or of a version that we don't read
   */
  static Connection connectToLook(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      throw new IOException("there is no CA in " + folder + ": " + FILE + " is missing");
    }
    try {
      SQLiteConfig config = new SQLiteConfig();
      config.setReadOnly(true);
      config.setBusyTimeout(BUSY_TIMEOUT_MILLIS);
      Connection connection = connectToLook(file, config);
      try (Statement statement = connection.createStatement()) {
        requireOurs(file, statement);
        return connection;
      } catch (SQLException | IOException e) {
        connection.close();
        throw e;
      }
    } catch (SQLException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * Where no log lies beside the file, SQLite is told that nothing changes it (sqlite.org/uri.html,
   * immutable): it would make a log and an index otherwise, of the user who looks, which the
   * service's user could not write later.
   */
  private static Connection connectToLook(Path file, SQLiteConfig config) throws SQLException {
    if (Files.exists(file.resolveSibling(FILE + "-wal"))) {
      return connect(file, config);
    }
    String path = file.toAbsolutePath().toUri().getRawPath();
    return connect("file:" + path + "?immutable=1", config);
  }

  static Connection connect(Path file, JournalMode journal, int busyMillis) throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.resetOpenMode(SQLiteOpenMode.CREATE);
    config.setJournalMode(journal);
    config.setSynchronous(SynchronousMode.FULL);
    config.setTransactionMode(TransactionMode.IMMEDIATE);
    config.setBusyTimeout(busyMillis);
    config.setPragma(Pragma.WAL_AUTOCHECKPOINT, Integer.toString(CHECKPOINT_PAGES));
    config.setPragma(Pragma.CACHE_SIZE, Integer.toString(-CACHE_KIB));
    return connect(file, config);
  }

  private static Connection connect(Path file, SQLiteConfig config) throws SQLException {
    String path = file.toAbsolutePath().toString();
    if (path.indexOf('?') >= 0) {
      // The driver would take the rest for settings.
      throw new SQLException("the path of a database can't contain '?'");
    }
    return connect(path, config);
  }

  private static Connection connect(String name, SQLiteConfig config) throws SQLException {
    Connection connection = config.createConnection("jdbc:sqlite:" + name);
    try (Statement statement = connection.createStatement()) {
      // What a database says about itself is not believed beyond its tables.
      statement.execute("PRAGMA trusted_schema = OFF");
      statement.execute("PRAGMA cell_size_check = ON");
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }
}
