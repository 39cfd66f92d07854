package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A service that is killed at any moment: every id that came out is unique and was reserved. */
class TokenKillTest {
  @TempDir Path folder;

  private void killAfter(int rounds, int tokens) throws Exception {
    TestCa.in(folder).close();
    Set<String> ids = new HashSet<>();
    for (int round = 0; round < rounds; round++) {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-cp",
                  System.getProperty("java.class.path"),
                  TokenPrinter.class.getName(),
                  folder.toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try (BufferedReader out = process.inputReader()) {
        int seen = 0;
        for (String line = out.readLine(); line != null; line = out.readLine()) {
          if (line.length() == 27) {
            assertThat(ids.add(line)).as(line).isTrue();
          }
          seen++;
          if (seen == tokens + 137 * round) {
            // By its handle, which leaves what it wrote to be read.
            process.toHandle().destroyForcibly();
          }
        }
        assertThat(seen).isGreaterThanOrEqualTo(tokens + 137 * round);
      } finally {
        process.destroyForcibly().waitFor();
      }
    }
    Set<String> reserved = prefixes();
    assertThat(ids).allMatch(id -> reserved.contains(id.substring(0, 24)));
  }

  private Set<String> prefixes() throws Exception {
    Set<String> prefixes = new HashSet<>();
    try (Connection connection = LedgerPeek.connect(folder.resolve("ca"));
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT prefix FROM token_block")) {
      while (rows.next()) {
        prefixes.add(Octets.hex(rows.getBytes(1)));
      }
    }
    return prefixes;
  }

  @Test
  void twoKillsRepeatNoId() throws Exception {
    killAfter(2, 150);
  }

  @Tag("fault")
  @Test
  void thirtyKillsRepeatNoId() throws Exception {
    killAfter(30, 20);
  }
}
