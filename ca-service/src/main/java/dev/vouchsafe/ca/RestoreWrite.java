package dev.vouchsafe.ca;

import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteErrorCode;

/** What a restore writes into the ledger of a backup, in one transaction of its caller. */
final class RestoreWrite {
  /**
   * So many generations at least may have been used up since the backup, of which the backup and
   * the home that it replaces say nothing. An issuing CA is made at each start.
   */
  private static final Map<String, Integer> PASSED =
      Map.of("root", 1000, "device", 1000, "issuing", 100_000);

  /**
   * And up to so many more, by chance: who restores one backup twice, into homes that know nothing
   * of each other, gets other generations than the first time.
   */
  private static final int BY_CHANCE = 1_000_000;

  /** Far from where the numbers end. */
  private static final long MOST_GENERATIONS = 1_000_000_000;

  private final Connection ledger;
  private final SecureRandom random = new SecureRandom();
  private final List<String> told = new ArrayList<>();
  private long damaged;

  RestoreWrite(Connection ledger) {
    this.ledger = ledger;
  }

  /** What could not be taken in, for people. */
  List<String> told() {
    return List.copyOf(told);
  }

  /** Takes in what another ledger knows of revocations, and which generations it has used. */
  void union(LedgerSalvage home) throws SQLException {
    passOver(home);
    GapAuthorities authorities = new GapAuthorities(ledger);
    authorities.takeFrom(home);
    Map<Long, String> modules = new HashMap<>();
    home.each("module", List.of("id", "name"), row -> modules.put(row.number(0), row.text(1)));
    revocations(home, authorities, modules);
    denials(home, modules);
    told.addAll(authorities.told());
    told.addAll(home.told());
    if (damaged > 0) {
      told.add(damaged + " entries of the present ledger make no sense, and were passed over");
    }
  }

  private void revocations(
      LedgerSalvage home, GapAuthorities authorities, Map<Long, String> modules)
      throws SQLException {
    AtomicLong unlisted = new AtomicLong();
    try (PreparedStatement module =
            ledger.prepareStatement("INSERT OR IGNORE INTO module(name) VALUES (?1)");
        PreparedStatement revoke =
            ledger.prepareStatement(
                """
                INSERT INTO revocation(serial, authority, module, subject_authority, not_after,
                  revoked, reason, invalid_since, administrator)
                SELECT ?1, a.id, (SELECT id FROM module WHERE name = ?3),
                  (SELECT id FROM authority WHERE serial = ?4), ?5, ?6, ?7, ?8, ?9
                FROM authority a WHERE a.serial = ?2 ON CONFLICT(serial) DO UPDATE SET
                  revoked = MIN(revoked, excluded.revoked)\
                """)) {
      home.each(
          "revocation",
          List.of(
              "serial",
              "authority",
              "module",
              "subject_authority",
              "not_after",
              "revoked",
              "reason",
              "invalid_since",
              "administrator"),
          row -> {
            String name = modules.get(row.number(2));
            if (name != null) {
              long _ = write(module, name);
            }
            unlisted.addAndGet(
                1
                    - write(
                        revoke,
                        row.values().get(0),
                        authorities.serial(row.number(1)),
                        name,
                        authorities.serial(row.number(3)),
                        row.values().get(4),
                        row.values().get(5),
                        row.values().get(6),
                        row.values().get(7),
                        row.values().get(8)));
          });
    }
    if (unlisted.get() > 0) {
      told.add(
          unlisted
              + " revoked certificates are of authorities that the backup does not know: no list"
              + " names them from now on");
    }
  }

  private void denials(LedgerSalvage home, Map<Long, String> modules) throws SQLException {
    try (PreparedStatement module =
            ledger.prepareStatement("INSERT OR IGNORE INTO module(name) VALUES (?1)");
        PreparedStatement deny =
            ledger.prepareStatement(
                "INSERT INTO denied_module(module, generation, since, administrator)"
                    + " SELECT id, ?2, ?3, ?4 FROM module WHERE name = ?1"
                    + " ON CONFLICT DO UPDATE SET since = MIN(since, excluded.since)");
        PreparedStatement token =
            ledger.prepareStatement(
                "INSERT INTO denied_token(id, latest_expiry, revoked, administrator)"
                    + " VALUES (?1, ?2, ?3, ?4)"
                    + " ON CONFLICT DO UPDATE SET latest_expiry = MAX(latest_expiry,"
                    + " excluded.latest_expiry)")) {
      home.each(
          "denied_module",
          List.of("module", "generation", "since", "administrator"),
          row -> {
            String name = modules.get(row.number(0));
            if (name == null) {
              damaged++;
              return;
            }
            long _ = write(module, name);
            long _ =
                write(deny, name, row.values().get(1), row.values().get(2), row.values().get(3));
          });
      home.each(
          "denied_token",
          List.of("id", "latest_expiry", "revoked", "administrator"),
          row -> {
            long _ = write(token, row.values().toArray());
          });
    }
  }

  /** Writes a row, and says how many that were; one that can't be what it should is passed over. */
  private long write(PreparedStatement into, @Nullable Object... values) throws SQLException {
    for (int i = 0; i < values.length; i++) {
      into.setObject(i + 1, values[i]);
    }
    try {
      return into.executeUpdate();
    } catch (SQLException e) {
      if (e.getErrorCode() != SQLiteErrorCode.SQLITE_CONSTRAINT.code) {
        throw e;
      }
      damaged++;
      return 1;
    }
  }

  private void passOver(LedgerSalvage home) throws SQLException {
    try (PreparedStatement used =
        ledger.prepareStatement(
            "INSERT INTO used_generation(role, latest) VALUES (?1, ?2)"
                + " ON CONFLICT(role) DO UPDATE SET latest = MAX(latest, excluded.latest)")) {
      LedgerSalvage.Taker taker =
          row -> {
            // A number that nobody counts to is damage, and would leave none for the next.
            if (PASSED.containsKey(row.text(0)) && row.number(1) < MOST_GENERATIONS) {
              long _ = write(used, row.values().toArray());
            }
          };
      home.each("authority", List.of("role", "generation"), taker);
      home.each("used_generation", List.of("role", "latest"), taker);
    }
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
        pass.setInt(2, role.getValue() + random.nextInt(BY_CHANCE));
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
      gap.setLong(4, restored.plus(facts.longest()).getEpochSecond());
      if (facts.acceptedBy().isPresent()) {
        gap.setLong(5, restored.getEpochSecond());
        gap.setLong(6, facts.acceptedBy().getAsLong());
      }
      gap.executeUpdate();
    }
  }
}
