package dev.vouchsafe.ca;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteErrorCode;

/**
 * The writing connection with its prepared statements. Used by one thread; thrown away with the
 * connection when a commit fails.
 */
final class LedgerStatements implements AutoCloseable {
  /** A condition of a write that is not met; the transaction is as it was before that write. */
  static final class Unmet extends SQLException {
    private static final long serialVersionUID = 1L;

    private Unmet(SQLException cause) {
      super(cause.getMessage(), cause);
    }
  }

  private static final System.Logger LOG = System.getLogger(LedgerStatements.class.getName());

  /** SQLite's own, since 2016. */
  static final int PAGE_OCTETS = 4096;

  private static final int SHORT_WAIT_MILLIS = 50;
  private static final int MOST_MODULES_REMEMBERED = 10_000;

  private final Connection connection;
  private final PreparedStatement insertLeaf;
  private final PreparedStatement updateLeaf;
  private final PreparedStatement insertModule;
  private final PreparedStatement findModule;
  private final Map<String, Long> modules = new HashMap<>();
  private boolean synced = true;
  private boolean erasing;
  private boolean checkpointing;

  LedgerStatements(Connection connection) throws SQLException {
    this.connection = connection;
    connection.setAutoCommit(false);
    insertLeaf =
        connection.prepareStatement(
            "INSERT INTO certificate(serial, module, generation, profile, authority, common_name,"
                + " names, not_before, not_after, state, tbs_sha256, spki_sha256)"
                + " VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
    updateLeaf = connection.prepareStatement("UPDATE certificate SET state = ? WHERE serial = ?");
    insertModule = connection.prepareStatement("INSERT INTO module(name) VALUES (?) RETURNING id");
    findModule = connection.prepareStatement("SELECT id FROM module WHERE name = ?");
  }

  void insert(LeafIntent leaf, byte[] tbsSha256) throws SQLException {
    insertLeaf.setBytes(1, leaf.serial());
    insertLeaf.setLong(2, module(leaf.module()));
    insertLeaf.setString(3, leaf.generation());
    insertLeaf.setString(4, leaf.plan().profile().name().text());
    insertLeaf.setLong(5, leaf.authority());
    insertLeaf.setString(6, leaf.plan().commonName());
    insertLeaf.setString(7, names(leaf.plan()));
    insertLeaf.setLong(8, leaf.plan().notBefore().getEpochSecond());
    insertLeaf.setLong(9, leaf.plan().notAfter().getEpochSecond());
    insertLeaf.setInt(10, StateCode.of(LedgerEntry.State.INTENDED));
    insertLeaf.setBytes(11, tbsSha256);
    insertLeaf.setBytes(12, leaf.spkiSha256());
    insertLeaf.executeUpdate();
  }

  private static String names(LeafPlan plan) {
    return plan.names().stream().map(SanName::text).collect(Collectors.joining(" "));
  }

  void update(byte[] serial, LedgerEntry.State state) throws SQLException {
    updateLeaf.setInt(1, StateCode.of(state));
    updateLeaf.setBytes(2, serial);
    updateLeaf.executeUpdate();
  }

  /** Gives a new authority its number and generation; what it signs as is not known yet. */
  AuthorityRow reserve(NewAuthority wanted, byte[] serial) throws SQLException {
    String role = wanted.role().name().toLowerCase(Locale.ROOT);
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO authority(role, generation, key_store, key_type, state, serial,"
                + " tbs_sha256) SELECT ?1, MAX(COALESCE(MAX(generation), 0), COALESCE((SELECT latest"
                + " FROM used_generation u WHERE u.role = ?1), 0)) + 1, ?2, ?3, ?4, ?5, x''"
                + " FROM authority WHERE role = ?1 RETURNING id, generation")) {
      insert.setString(1, role);
      insert.setString(2, wanted.keyStore());
      insert.setString(3, wanted.keyType().text());
      insert.setString(4, wanted.state().name().toLowerCase(Locale.ROOT));
      insert.setBytes(5, serial);
      try (ResultSet row = insert.executeQuery()) {
        row.next();
        return wanted.row(row.getLong(1), row.getInt(2));
      }
    }
  }

  /**
   * Whether commits from now on wait for the disk. Only between transactions.
   *
   * <p>A commit that doesn't wait is synced by the next one that does, since both go to one log.
   */
  void synced(boolean wanted) throws SQLException {
    if (synced == wanted) {
      return;
    }
    connection.setAutoCommit(true);
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA synchronous = " + (wanted ? "FULL" : "NORMAL"));
      synced = wanted;
    } finally {
      connection.setAutoCommit(false);
    }
  }

  /**
   * Does a write that may find its condition unmet.
   *
   * @throws Unmet if it did; nothing of it is left
   */
  void apart(LedgerQueue.Write write) throws SQLException {
    Savepoint before = connection.setSavepoint();
    try {
      write.to(this);
    } catch (SQLException e) {
      if (e.getErrorCode() != SQLiteErrorCode.SQLITE_CONSTRAINT.code) {
        throw e;
      }
      connection.rollback(before);
      // What it recorded of modules is undone too.
      modules.clear();
      throw new Unmet(e);
    }
    connection.releaseSavepoint(before);
  }

  void commit() throws SQLException {
    connection.commit();
  }

  /**
   * What was wanted after the commit. What was committed stands, whatever becomes of this: after an
   * exception the connection is to be thrown away, and nothing else.
   */
  void afterCommit() throws SQLException {
    boolean wanted = checkpointing;
    checkpointing = false;
    if (erasing) {
      erasing = false;
      erase();
    } else if (wanted) {
      checkpoint();
    }
  }

  /** The log is copied into the database after this transaction, as far as nobody reads it. */
  void checkpointAfter() {
    checkpointing = true;
  }

  private void checkpoint() throws SQLException {
    connection.setAutoCommit(true);
    try (Statement statement = connection.createStatement()) {
      // Whoever reads for long is not waited for: the ledger's thread has more to do.
      statement.execute("PRAGMA busy_timeout = " + SHORT_WAIT_MILLIS);
      statement.execute("PRAGMA wal_checkpoint(TRUNCATE)");
      statement.execute("PRAGMA busy_timeout = " + LedgerSchema.BUSY_TIMEOUT_MILLIS);
    } finally {
      connection.setAutoCommit(false);
    }
  }

  /** What this transaction replaces must not stand in the log either, after it is committed. */
  void eraseReplaced() {
    erasing = true;
  }

  /**
   * Copies the log into the database and makes it empty. The commit stands whatever becomes of
   * this: the next checkpoint writes over the same octets, if later.
   */
  private void erase() throws SQLException {
    connection.setAutoCommit(true);
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("PRAGMA wal_checkpoint(TRUNCATE)")) {
      if (row.next() && row.getInt(1) != 0) {
        LOG.log(
            System.Logger.Level.WARNING,
            "sealed secrets that were replaced stay in the ledger's log until it is begun anew");
      }
    } catch (SQLException e) {
      LOG.log(
          System.Logger.Level.WARNING, "the ledger''s log can''t be emptied: {0}", e.getMessage());
    } finally {
      connection.setAutoCommit(false);
    }
  }

  /** How much the pages of the file hold, without those that are free. */
  long usedOctets() throws SQLException {
    return PAGE_OCTETS * (number("PRAGMA page_count") - number("PRAGMA freelist_count"));
  }

  /** The same with those that are free. */
  long fileOctets() throws SQLException {
    return PAGE_OCTETS * number("PRAGMA page_count");
  }

  /** The number that a query finds; 0 for none. */
  long number(String query, Object... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(query)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      try (ResultSet rows = statement.executeQuery()) {
        return rows.next() ? rows.getLong(1) : 0;
      }
    }
  }

  /**
   * Runs a statement that is rare enough to be prepared each time.
   *
   * @param values texts, numbers and octets, in the order of their question marks
   * @throws SQLException also if it changed another number of rows than one
   */
  void changeOne(String sql, Object... values) throws SQLException {
    int changed = change(sql, values);
    if (changed != 1) {
      throw unexpected("one row was to change, not " + changed + ": " + sql);
    }
  }

  /** The same for as many rows as there are, be it none. */
  int change(String sql, Object... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      return statement.executeUpdate();
    }
  }

  /** What one row of {@link #changeEach} is written with. */
  interface Values<T> {
    List<Object> of(T row) throws SQLException;
  }

  /**
   * {@link #changeOne} for each of many.
   *
   * @throws SQLException also if one of them changed another number of rows than one
   */
  <T> void changeEach(String sql, List<T> rows, Values<T> values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (T row : rows) {
        int parameter = 1;
        for (Object value : values.of(row)) {
          statement.setObject(parameter++, value);
        }
        int changed = statement.executeUpdate();
        if (changed != 1) {
          throw unexpected("one row was to change, not " + changed + ": " + sql);
        }
      }
    }
  }

  private static SQLException unexpected(String what) {
    return new SQLException(what, null, SQLiteErrorCode.SQLITE_CONSTRAINT.code);
  }

  /** Runs an INSERT with RETURNING, and gives back the number that it returns. */
  long insertReturning(String sql, Object... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setObject(i + 1, values[i]);
      }
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    }
  }

  /**
   * @throws SQLException if that query counts another number of rows
   */
  void requireCount(String sql, int wanted) throws SQLException {
    long counted = number(sql);
    if (counted != wanted) {
      throw unexpected(wanted + " rows were expected, not " + counted + ": " + sql);
    }
  }

  /**
   * @throws SQLException if that query counts another number of rows than one
   */
  void requireOne(String sql, Object value) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setObject(1, value);
      try (ResultSet rows = statement.executeQuery()) {
        if (!rows.next() || rows.getInt(1) != 1) {
          throw new SQLException(
              "one row was expected: " + sql, null, SQLiteErrorCode.SQLITE_CONSTRAINT.code);
        }
      }
    }
  }

  /** The number of that module, recorded now if it is new. */
  long module(String name) throws SQLException {
    Long known = modules.get(name);
    if (known != null) {
      return known;
    }
    if (modules.size() >= MOST_MODULES_REMEMBERED) {
      modules.clear();
    }
    Long id = firstId(findModule, name);
    if (id == null) {
      id = Objects.requireNonNull(firstId(insertModule, name), "RETURNING returns the id");
    }
    modules.put(name, id);
    return id;
  }

  private static @Nullable Long firstId(PreparedStatement statement, String name)
      throws SQLException {
    statement.setString(1, name);
    try (ResultSet rows = statement.executeQuery()) {
      return rows.next() ? rows.getLong(1) : null;
    }
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
