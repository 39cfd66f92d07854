package dev.vouchsafe.ca;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Says what one ledger knows and another, which was copied from it earlier, does not. */
final class LedgerComparison {
  private static final byte[] NONE = {};

  private LedgerComparison() {}

  static List<String> lost(Connection backup, Connection home) throws SQLException {
    List<String> lost = new ArrayList<>();
    authorities(backup, home, lost);
    certificates(backup, home, lost);
    for (String table : List.of("revocation", "denied_token", "token_block", "token_key")) {
      if (hasTable(home, table)) {
        long known = hasTable(backup, table) ? number(backup, "SELECT COUNT(*) FROM " + table) : 0;
        long more = number(home, "SELECT COUNT(*) FROM " + table) - known;
        if (more > 0) {
          lost.add(more + " more of " + words(table));
        }
      }
    }
    steps(backup, home, lost);
    return lost;
  }

  private static String words(String table) {
    return switch (table) {
      case "revocation" -> "revoked certificates (they stay revoked)";
      case "denied_token" -> "revoked tokens (they stay revoked)";
      case "token_block" -> "blocks of token ids";
      default -> "token keys";
    };
  }

  private static void authorities(Connection backup, Connection home, List<String> lost)
      throws SQLException {
    Map<String, String> known = states(backup);
    states(home)
        .forEach((id, state) -> {
          String then = known.get(id);
          if (then == null) {
            lost.add("authority " + id + " (" + state + "), which the backup does not know");
          } else if (!then.equals(state)) {
            lost.add("authority " + id + " is " + state + ", and " + then + " in the backup");
          }
        });
  }

  /** Issuing CAs, whose keys are gone with each process, are none that anybody chose. */
  private static Map<String, String> states(Connection ledger) throws SQLException {
    Map<String, String> states = new LinkedHashMap<>();
    try (PreparedStatement query =
            ledger.prepareStatement(
                "SELECT role || '-' || generation, state FROM authority"
                    + " WHERE role <> 'issuing' ORDER BY id");
        ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        states.put(rows.getString(1), rows.getString(2));
      }
    }
    return states;
  }

  /**
   * Rows are numbered as they come, so that this holds also under a clock that was set back; and
   * serial numbers begin with the time, which says it of those in the archive.
   */
  private static void certificates(Connection backup, Connection home, List<String> lost)
      throws SQLException {
    byte[] newest = newest(backup);
    long last = number(backup, "SELECT COALESCE(MAX(id), 0) FROM certificate");
    long more =
        count(
            home, "SELECT COUNT(*) FROM certificate WHERE id > " + last + " OR serial > ?", newest);
    if (hasTable(home, "archive")) {
      more +=
          count(
              home, "SELECT COALESCE(SUM(entries), 0) FROM archive WHERE first_serial > ?", newest);
    }
    if (more > 0) {
      lost.add(more + " certificates of modules, or more");
    }
  }

  private static byte[] newest(Connection ledger) throws SQLException {
    try (PreparedStatement query = ledger.prepareStatement("SELECT MAX(serial) FROM certificate");
        ResultSet rows = query.executeQuery()) {
      byte[] serial = rows.next() ? rows.getBytes(1) : null;
      return serial == null ? NONE : serial;
    }
  }

  private static long count(Connection ledger, String sql, byte[] serial) throws SQLException {
    try (PreparedStatement query = ledger.prepareStatement(sql)) {
      query.setBytes(1, serial);
      try (ResultSet rows = query.executeQuery()) {
        return rows.next() ? rows.getLong(1) : 0;
      }
    }
  }

  /** Steps of rotations, where there is a journal of them. */
  private static void steps(Connection backup, Connection home, List<String> lost)
      throws SQLException {
    String journal = "rotation_step";
    if (!hasTable(home, journal)) {
      return;
    }
    String last = "SELECT COALESCE(MAX(id), 0) FROM " + journal;
    long known = hasTable(backup, journal) ? number(backup, last) : 0;
    long more = number(home, "SELECT COUNT(*) FROM " + journal + " WHERE id > " + known);
    if (more > 0) {
      lost.add(more + " steps of rotations");
    }
  }

  static boolean hasTable(Connection ledger, String name) throws SQLException {
    try (PreparedStatement query =
        ledger.prepareStatement("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")) {
      query.setString(1, name);
      try (ResultSet rows = query.executeQuery()) {
        return rows.next();
      }
    }
  }

  private static long number(Connection ledger, String sql) throws SQLException {
    try (PreparedStatement query = ledger.prepareStatement(sql);
        ResultSet rows = query.executeQuery()) {
      return rows.next() ? rows.getLong(1) : 0;
    }
  }
}
