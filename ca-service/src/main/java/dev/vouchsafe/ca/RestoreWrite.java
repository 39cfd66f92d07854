package dev.vouchsafe.ca;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What a restore writes into the ledger of a backup, in one transaction of its caller. */
final class RestoreWrite {
  /**
   * So many generations may have been used up since the backup, of which the backup and the home
   * that it replaces say nothing. An issuing CA is made at each start.
   */
  private static final Map<String, Integer> PASSED =
      Map.of("root", 1000, "device", 1000, "issuing", 100_000);

  private final Connection ledger;
  private final List<String> told = new ArrayList<>();

  RestoreWrite(Connection ledger) {
    this.ledger = ledger;
  }

  /** What could not be taken in, for people. */
  List<String> told() {
    return List.copyOf(told);
  }

  /** Takes in what another ledger knows of revocations, and which generations it has used. */
  void union(Connection home) throws SQLException {
    passOver(home);
    if (!LedgerComparison.hasTable(home, "revocation")) {
      return;
    }
    copy(
        home,
        "SELECT DISTINCT m.name FROM module m WHERE m.id IN (SELECT module FROM revocation)"
            + " OR m.id IN (SELECT module FROM denied_module)",
        "INSERT OR IGNORE INTO module(name) VALUES (?1)");
    long unlisted =
        copy(
            home,
            """
            SELECT r.serial, a.serial, m.name, s.serial, r.not_after, r.revoked, r.reason,
              r.invalid_since, r.administrator
            FROM revocation r JOIN authority a ON a.id = r.authority
              LEFT JOIN module m ON m.id = r.module
              LEFT JOIN authority s ON s.id = r.subject_authority ORDER BY r.id\
            """,
            """
            INSERT INTO revocation(serial, authority, module, subject_authority, not_after,
              revoked, reason, invalid_since, administrator)
            SELECT ?1, a.id, (SELECT id FROM module WHERE name = ?3),
              (SELECT id FROM authority WHERE serial = ?4), ?5, ?6, ?7, ?8, ?9
            FROM authority a WHERE a.serial = ?2 ON CONFLICT(serial) DO UPDATE SET
              revoked = MIN(revoked, excluded.revoked)\
            """);
    if (unlisted > 0) {
      told.add(
          unlisted
              + " revoked certificates are of authorities that the backup does not know: no list"
              + " names them from now on");
    }
    copy(
        home,
        "SELECT m.name, d.generation, d.since, d.administrator FROM denied_module d"
            + " JOIN module m ON m.id = d.module",
        "INSERT INTO denied_module(module, generation, since, administrator)"
            + " SELECT id, ?2, ?3, ?4 FROM module WHERE name = ?1"
            + " ON CONFLICT DO UPDATE SET since = MIN(since, excluded.since)");
    copy(
        home,
        "SELECT id, latest_expiry, revoked, administrator FROM denied_token",
        "INSERT INTO denied_token(id, latest_expiry, revoked, administrator)"
            + " VALUES (?1, ?2, ?3, ?4)"
            + " ON CONFLICT DO UPDATE SET latest_expiry = MAX(latest_expiry,"
            + " excluded.latest_expiry)");
  }

  /**
   * Writes what a query finds elsewhere.
   *
   * @param into with a parameter for each column
   * @return how many rows found no place
   */
  private long copy(Connection from, String query, String into) throws SQLException {
    long without = 0;
    try (PreparedStatement read = from.prepareStatement(query);
        ResultSet rows = read.executeQuery();
        PreparedStatement write = ledger.prepareStatement(into)) {
      int columns = rows.getMetaData().getColumnCount();
      while (rows.next()) {
        for (int i = 1; i <= columns; i++) {
          write.setObject(i, rows.getObject(i));
        }
        without += write.executeUpdate() == 0 ? 1 : 0;
      }
    }
    return without;
  }

  private void passOver(Connection home) throws SQLException {
    boolean known = LedgerComparison.hasTable(home, "used_generation");
    copy(
        home,
        "SELECT role, MAX(generation) FROM authority GROUP BY role"
            + (known ? " UNION ALL SELECT role, latest FROM used_generation" : ""),
        "INSERT INTO used_generation(role, latest) VALUES (?1, ?2)"
            + " ON CONFLICT(role) DO UPDATE SET latest = MAX(latest, excluded.latest)");
  }

  /**
   * Records the gap, and passes over the generations that nobody knows of.
   *
   * @param restored no earlier than anything that is known
   */
  void gap(RestoreFacts facts, Instant restored) throws SQLException {
    try (PreparedStatement pass =
        ledger.prepareStatement(
            "INSERT INTO used_generation(role, latest) SELECT ?1, COALESCE(MAX(generation), 0) + ?2"
                + " FROM authority WHERE role = ?1 ON CONFLICT(role) DO UPDATE SET"
                + " latest = MAX(latest + ?2, excluded.latest)")) {
      for (Map.Entry<String, Integer> role : PASSED.entrySet()) {
        pass.setString(1, role.getKey());
        pass.setInt(2, role.getValue());
        pass.executeUpdate();
      }
    }
    try (PreparedStatement gap =
        ledger.prepareStatement(
            "INSERT INTO gap(backup, known, restored, latest_end, wanted, administrator)"
                + " VALUES (?1, ?2, ?3, ?4, ?5, ?6)")) {
      gap.setString(1, facts.backup());
      gap.setLong(2, facts.known().getEpochSecond());
      gap.setLong(3, restored.getEpochSecond());
      gap.setLong(4, restored.plus(facts.longestLeaf()).getEpochSecond());
      if (facts.acceptedBy().isPresent()) {
        gap.setLong(5, restored.getEpochSecond());
        gap.setLong(6, facts.acceptedBy().getAsLong());
      }
      gap.executeUpdate();
    }
  }
}
