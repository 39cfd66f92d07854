package dev.vouchsafe.ca;

import java.security.cert.X509Certificate;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Says what one ledger knows and another, which was copied from it earlier, does not. The one may
 * be damaged: what can't be read of it is said, and the rest all the same.
 */
final class LedgerComparison {
  private static final byte[] NONE = {};
  private static final String JOURNAL = "rotation_step";
  private static final List<String> COUNTED =
      List.of("revocation", "denied_token", "token_block", "token_key");

  /**
   * An authority at one moment.
   *
   * @param serial of its certificate, in hex
   */
  private record Standing(String state, String serial) {}

  private final Connection home;
  private final List<String> lost = new ArrayList<>();

  private final Map<String, Standing> authorities;
  private final Map<String, Long> counts = new HashMap<>();
  private final byte[] newest;
  private final long last;
  private final long lastStep;

  private LedgerComparison(Connection backup, Connection home) throws SQLException {
    this.home = home;
    authorities = standings(backup);
    newest = newest(backup);
    last = number(backup, "SELECT COALESCE(MAX(id), 0) FROM certificate");
    lastStep =
        hasTable(backup, JOURNAL)
            ? number(backup, "SELECT COALESCE(MAX(id), 0) FROM " + JOURNAL)
            : 0;
    for (String table : COUNTED) {
      counts.put(
          table, hasTable(backup, table) ? number(backup, "SELECT COUNT(*) FROM " + table) : 0);
    }
  }

  static List<String> lost(Connection backup, Connection home) throws SQLException {
    LedgerComparison comparison = new LedgerComparison(backup, home);
    comparison.compare();
    return List.copyOf(comparison.lost);
  }

  /** Part of what is compared. */
  private interface Part {
    void look() throws SQLException;
  }

  private void compare() {
    look("whether it is whole", this::whole);
    look("its authorities", this::authorities);
    look("its certificates", this::certificates);
    for (String table : COUNTED) {
      look(table.replace('_', ' ') + "s", () -> count(table));
    }
    look("the steps of rotations", this::steps);
  }

  private void look(String what, Part part) {
    try {
      part.look();
    } catch (SQLException e) {
      lost.add("the present ledger does not say " + what + ": " + e.getMessage());
    }
  }

  /** Reads all of it: what is told of a damaged one would else be told as the whole. */
  private void whole() throws SQLException {
    try (PreparedStatement check = home.prepareStatement("PRAGMA quick_check(1)");
        ResultSet rows = check.executeQuery()) {
      String found = rows.next() ? rows.getString(1) : "";
      if (!found.equals("ok")) {
        lost.add(
            "the present ledger is damaged, and may know more than can be read (" + found + ")");
      }
    }
  }

  private void count(String table) throws SQLException {
    if (hasTable(home, table)) {
      long more = number(home, "SELECT COUNT(*) FROM " + table) - counts.getOrDefault(table, 0L);
      if (more > 0) {
        lost.add(more + " more of " + words(table));
      }
    }
  }

  private static String words(String table) {
    return switch (table) {
      case "revocation" -> "revoked certificates (they stay revoked)";
      case "denied_token" -> "revoked tokens (they stay revoked)";
      case "token_block" -> "blocks of token ids";
      default -> "token keys";
    };
  }

  private void authorities() throws SQLException {
    Map<String, Standing> present = standings(home);
    present.forEach((id, now) -> {
      Standing then = authorities.get(id);
      if (then == null) {
        lost.add("authority " + id + " (" + now.state() + "), which the backup does not know");
      } else if (!then.serial().equals(now.serial())) {
        lost.add("authority " + id + " is another one than that of this name in the backup");
      } else if (!then.state().equals(now.state())) {
        lost.add(
            "authority " + id + " is " + now.state() + ", and " + then.state() + " in the backup");
      }
    });
  }

  /** Issuing CAs, whose keys are gone with each process, are none that anybody chose. */
  private static Map<String, Standing> standings(Connection ledger) throws SQLException {
    Map<String, Standing> standings = new LinkedHashMap<>();
    try (PreparedStatement query =
            ledger.prepareStatement(
                "SELECT role || '-' || generation, state, hex(serial) FROM authority"
                    + " WHERE role <> 'issuing' ORDER BY id");
        ResultSet rows = query.executeQuery()) {
      while (rows.next()) {
        standings.put(rows.getString(1), new Standing(rows.getString(2), rows.getString(3)));
      }
    }
    return standings;
  }

  /**
   * Rows are numbered as they come, so that this holds also under a clock that was set back; and
   * serial numbers begin with the time, which says it of those in the archive.
   */
  private void certificates() throws SQLException {
    long more =
        count("SELECT COUNT(*) FROM certificate WHERE id > " + last + " OR serial > ?", newest);
    if (hasTable(home, "archive")) {
      more += count("SELECT COALESCE(SUM(entries), 0) FROM archive WHERE first_serial > ?", newest);
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

  private long count(String sql, byte[] serial) throws SQLException {
    try (PreparedStatement query = home.prepareStatement(sql)) {
      query.setBytes(1, serial);
      try (ResultSet rows = query.executeQuery()) {
        return rows.next() ? rows.getLong(1) : 0;
      }
    }
  }

  /** Steps of rotations, where there is a journal of them. */
  private void steps() throws SQLException {
    if (hasTable(home, JOURNAL)) {
      long more = number(home, "SELECT COUNT(*) FROM " + JOURNAL + " WHERE id > " + lastStep);
      if (more > 0) {
        lost.add(more + " steps of rotations");
      }
    }
  }

  /**
   * What a trust bundle has, and a ledger would change of it.
   *
   * @param wanted the roots that the ledger would have in it, by their ids
   */
  static List<String> ofBundle(Map<String, X509Certificate> wanted, List<X509Certificate> roots) {
    List<String> lost = new ArrayList<>();
    for (X509Certificate root : roots) {
      if (!wanted.containsValue(root)) {
        lost.add(
            "the present trust bundle has the root "
                + named(root)
                + ", which the backup does not know, or not as one to trust: it leaves the bundle"
                + " when the gap is accepted, and who fetches that refuses what is under it");
      }
    }
    wanted.forEach((id, root) -> {
      if (!roots.contains(root)) {
        lost.add(
            id
                + " ("
                + named(root)
                + ") is not in the present trust bundle: it comes back into it when the gap is"
                + " accepted, and is trusted again");
      }
    });
    return lost;
  }

  private static String named(X509Certificate root) {
    return NameSyntax.quoted(root.getSubjectX500Principal().getName())
        + ", serial "
        + Octets.hex(root.getSerialNumber().toByteArray());
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
