package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The power cut that the fault tests use forgets what was not synced, and nothing else. */
class PowerCutTest {
  @TempDir Path folder;

  private Path root() throws IOException {
    return Files.createDirectories(folder.resolve("root"));
  }

  private PowerCut powerCut() throws IOException, InterruptedException {
    return new PowerCut(root(), folder.resolve("shadow"));
  }

  private Process start(PowerCut powerCut, Class<?> program, String... arguments)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putAll(powerCut.environment());
    return builder.start();
  }

  @Test
  void whatWasNotSyncedIsForgottenAndWhatWasIsKept() throws Exception {
    Files.writeString(root().resolve("there-before"), "as it was");
    Files.setPosixFilePermissions(
        root().resolve("there-before"), PosixFilePermissions.fromString("rw-r-----"));
    PowerCut powerCut = powerCut();
    Process process = start(powerCut, Deeds.class, root().toString());
    try (BufferedReader said = process.inputReader(StandardCharsets.UTF_8)) {
      assertThat(said.readLine()).isEqualTo("done");
    } finally {
      process.destroyForcibly().waitFor();
    }
    assertThat(text("names/new")).as("before the cut, the tree has everything").isEqualTo("of old");
    assertThat(powerCut.sawWrites()).isTrue();
    powerCut.cut();

    assertThat(names(""))
        .containsExactly(
            "contents",
            "foreign",
            "large",
            "names",
            "names-synced",
            "other",
            "there-before",
            "whole.new");
    assertThat(text("there-before")).isEqualTo("as it was");
    assertThat(Files.getPosixFilePermissions(root().resolve("there-before")))
        .isEqualTo(PosixFilePermissions.fromString("rw-r-----"));

    assertThat(names("contents")).containsExactly("changed-after", "never-synced", "synced");
    assertThat(text("contents/synced")).isEqualTo("all");
    assertThat(text("contents/never-synced")).isEmpty();
    assertThat(text("contents/changed-after")).isEqualTo("first");

    assertThat(names("names")).containsExactly("old", "removed", "replaced");
    assertThat(text("names/old")).isEqualTo("of old");
    assertThat(text("names/replaced")).isEqualTo("of replaced");
    assertThat(text("names/removed")).isEqualTo("of removed");
    assertThat(names("names-synced")).containsExactly("inner", "new");
    assertThat(text("names-synced/new")).isEqualTo("text");
    assertThat(text("whole.new/file")).isEqualTo("text");

    String large = text("large/file");
    assertThat(large).hasSize(3 << 20);
    assertThat(large.substring(100, 104)).isEqualTo("kept");
    assertThat(large.substring(200, 204)).isEqualTo("aaaa");
    assertThat(large).endsWith("end!aaaaaa");

    assertThat(text("other/each-write-synced")).isEqualTo("kept");
    assertThat(text("other/copied")).isEqualTo("kept");
    assertThat(names("foreign")).containsExactly("by-number", "name");
  }

  @Test
  void aSecondProcessThatWritesBelowTheRootIsStopped() throws Exception {
    PowerCut powerCut = powerCut();
    Process first = start(powerCut, Deeds.class, root().toString());
    try (BufferedReader said = first.inputReader(StandardCharsets.UTF_8)) {
      assertThat(said.readLine()).isEqualTo("done");
      Programs.Ended second =
          Programs.run(
              powerCut.environment(),
              List.of("cp", "/dev/null", root().resolve("x").toString()),
              "");
      assertThat(second.exit()).isEqualTo(86);
      assertThat(root().resolve("x")).doesNotExist();
    } finally {
      first.destroyForcibly().waitFor();
    }
  }

  @Test
  void aLedgerThatSyncsEachCommitForgetsNone() throws Exception {
    int said = commitUntilKilled("FULL");
    assertThat(lastNumber()).isGreaterThanOrEqualTo(said);
  }

  /** That the test above can fail: without a kill of the power, neither of these would show. */
  @ParameterizedTest
  @ValueSource(strings = {"NORMAL", "OFF"})
  void aLedgerThatDoesNotSyncEachCommitIsCaught(String synchronous) throws Exception {
    int said = commitUntilKilled(synchronous);
    assertThat(lastNumber()).isLessThan(said);
  }

  /** Returns the last number that the program said it had committed. */
  private int commitUntilKilled(String synchronous) throws IOException, InterruptedException {
    PowerCut powerCut = powerCut();
    Path database = root().resolve("numbers.db");
    Process process = start(powerCut, LedgerOfNumbers.class, database.toString(), synchronous);
    int said = 0;
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      while (said < 2000) {
        said = Integer.parseInt(Objects.requireNonNull(lines.readLine(), "it ended by itself"));
      }
      // By its handle: the process object would close the stream, which is still to be read.
      process.toHandle().destroyForcibly();
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        said = line.isEmpty() ? said : Math.max(said, Integer.parseInt(line));
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
    powerCut.cut();
    return said;
  }

  private int lastNumber() throws IOException {
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + root().resolve("numbers.db"));
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT max(number) FROM numbers")) {
      return rows.next() ? rows.getInt(1) : 0;
    } catch (SQLException e) {
      return 0;
    }
  }

  private List<String> names(String inner) throws IOException {
    try (Stream<Path> entries = Files.list(root().resolve(inner))) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private String text(String file) throws IOException {
    return Files.readString(root().resolve(file));
  }
}
