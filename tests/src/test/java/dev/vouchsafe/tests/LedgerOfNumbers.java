package dev.vouchsafe.tests;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * A program that commits numbers to an SQLite database, says each one once it is committed, and
 * goes on until it is killed: what the ledger does, reduced to its promise. {@link PowerCutTest}
 * runs it with the setting that keeps the promise and with those that don't.
 */
public final class LedgerOfNumbers {
  private LedgerOfNumbers() {}

  /** Arguments: the database, and the value of {@code synchronous}. */
  public static void main(String[] arguments) throws SQLException {
    Path file = Path.of(arguments[0]);
    try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + file);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA journal_mode=WAL");
      statement.execute("PRAGMA synchronous=" + arguments[1]);
      statement.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)");
      for (int number = 1; number > 0; number++) {
        statement.execute("INSERT INTO numbers VALUES (" + number + ", hex(randomblob(500)))");
        System.out.println(number);
      }
    }
  }
}
