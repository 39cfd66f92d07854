package dev.vouchsafe.ca;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;

/** Turns a ledger into one of version 1, by the statements that the first release made it with. */
final class FirstVersion {
  private static final List<String> TABLES =
      List.of(
          """
          CREATE TABLE authority(
            id INTEGER PRIMARY KEY,
            role TEXT NOT NULL,
            generation INTEGER NOT NULL,
            key_store TEXT NOT NULL,
            key_type TEXT NOT NULL,
            state TEXT NOT NULL,
            serial BLOB NOT NULL UNIQUE,
            tbs_sha256 BLOB NOT NULL,
            certificate BLOB,
            UNIQUE(role, generation)
          ) STRICT\
          """,
          """
          CREATE TABLE module(
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE
          ) STRICT\
          """,
          """
          CREATE TABLE certificate(
            id INTEGER PRIMARY KEY,
            serial BLOB NOT NULL,
            module INTEGER NOT NULL REFERENCES module,
            generation TEXT NOT NULL,
            profile TEXT NOT NULL,
            authority INTEGER NOT NULL REFERENCES authority,
            common_name TEXT NOT NULL,
            names TEXT NOT NULL,
            not_before INTEGER NOT NULL,
            not_after INTEGER NOT NULL,
            state INTEGER NOT NULL,
            tbs_sha256 BLOB NOT NULL,
            spki_sha256 BLOB NOT NULL
          ) STRICT\
          """,
          "CREATE UNIQUE INDEX certificate_serial ON certificate(serial)",
          "CREATE INDEX certificate_module ON certificate(module)");

  private FirstVersion() {}

  /** A new file with the old tables, and the rows that the present one has in them. */
  static void of(Path folder) throws Exception {
    Path present = folder.resolve("ca.db");
    Path old = Files.createFile(folder.resolve("old.db"));
    try (Connection connection = LedgerSchema.connect(old);
        Statement statement = connection.createStatement()) {
      statement.execute("ATTACH '" + present + "' AS present");
      statement.execute("PRAGMA main.application_id = 1449345857");
      statement.execute("PRAGMA main.user_version = 1");
      for (String table : TABLES) {
        statement.execute(table);
      }
      for (String table : List.of("authority", "module", "certificate")) {
        statement.execute("INSERT INTO " + table + " SELECT * FROM present." + table);
      }
    }
    for (String rest : List.of("ca.db-wal", "ca.db-shm", "jwks.json")) {
      Files.deleteIfExists(folder.resolve(rest));
    }
    Files.delete(present);
    Files.move(old, present);
    Files.deleteIfExists(folder.resolve("old.db-wal"));
    Files.deleteIfExists(folder.resolve("old.db-shm"));
  }

  static int versionOf(Path folder) throws SQLException {
    try (Connection connection = LedgerPeek.connect(folder);
        Statement statement = connection.createStatement();
        var rows = statement.executeQuery("PRAGMA user_version")) {
      return rows.getInt(1);
    }
  }
}
