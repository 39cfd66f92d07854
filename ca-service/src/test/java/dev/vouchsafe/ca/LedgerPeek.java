package dev.vouchsafe.ca;

import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

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

  /** The certificates by which roots vouch for roots, the oldest first. */
  static List<X509Certificate> crosses(Path folder) throws SQLException {
    List<X509Certificate> crosses = new ArrayList<>();
    try (Connection connection = connect(folder);
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery("SELECT certificate FROM cross_certificate ORDER BY id")) {
      while (rows.next()) {
        crosses.add(AuthorityBuilder.parse(rows.getBytes(1)));
      }
    }
    return crosses;
  }

  static void execute(Path folder, String sql) throws SQLException {
    execute(folder, "ca.db", sql);
  }

  /** The same in a copy of another name. */
  static void execute(Path folder, String file, String sql) throws SQLException {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + folder.resolve(file));
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
