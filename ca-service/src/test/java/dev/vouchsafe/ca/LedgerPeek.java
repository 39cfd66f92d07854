package dev.vouchsafe.ca;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Looks into the ledger as another program would, over a connection of its own. */
final class LedgerPeek {
  private LedgerPeek() {}

  static Connection connect(Path folder) throws SQLException {
    return DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("ca.db"));
  }

  /** The role of the authority whose recorded TBSCertificate is that message, or "unknown". */
  static String authorityOf(Path folder, byte[] message) {
    return text(folder, "SELECT role FROM authority WHERE tbs_sha256 = ?", message);
  }

  /** The state of the leaf whose recorded TBSCertificate is that message, or "unknown". */
  static String leafOf(Path folder, byte[] message) {
    return text(folder, "SELECT state FROM certificate WHERE tbs_sha256 = ?", message);
  }

  private static String text(Path folder, String query, byte[] message) {
    try (Connection connection = connect(folder);
        PreparedStatement statement = connection.prepareStatement(query)) {
      statement.setBytes(1, Octets.sha256(message));
      try (ResultSet rows = statement.executeQuery()) {
        return rows.next() ? rows.getString(1) : "unknown";
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  static int count(Path folder, String table) throws SQLException {
    try (Connection connection = connect(folder);
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT COUNT(*) FROM " + table)) {
      return rows.getInt(1);
    }
  }

  static void execute(Path folder, String sql) throws SQLException {
    try (Connection connection = connect(folder);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
