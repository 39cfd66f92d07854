package dev.vouchsafe.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real process that writes the log is killed, again and again. */
class KilledWriterTest {
  private static final int ROUNDS = 5;

  @TempDir Path home;

  private static Process start(TestLog log, int first) throws Exception {
    String surefire = System.getProperty("surefire.test.class.path");
    return new ProcessBuilder(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                surefire == null ? System.getProperty("java.class.path") : surefire,
                WritingProcess.class.getName(),
                log.folder.toString(),
                log.key.publicHex(),
                log.key.privateHex(),
                String.valueOf(first)))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  @Test
  void whatWasAcknowledgedIsThereAfterAKillAtAnyInstantAndTheLogIsSound() throws Exception {
    TestLog log = new TestLog(home);
    Random random = new Random(8);
    int next = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Process process = start(log, next);
      int wanted = 20 + random.nextInt(150);
      int acknowledged = next;
      try (BufferedReader lines = process.inputReader()) {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
          acknowledged = Integer.parseInt(line) + 1;
          if (acknowledged - next == wanted) {
            // By its handle: the other way closes what it has said and we haven't read.
            process.toHandle().destroyForcibly();
          }
        }
      } finally {
        process.destroyForcibly();
        assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      }
      assertThat(acknowledged - next).isGreaterThanOrEqualTo(wanted);
      assertThat(log.verify().sound()).as("round " + round + ": " + log.verify()).isTrue();
      Set<String> found = new HashSet<>();
      for (AuditEntry entry : log.entries()) {
        if (entry.event() instanceof AuditEvent.Decision decision) {
          found.add(decision.asked().module());
        }
      }
      // What the limits removed is older than this.
      for (int i = Math.max(next, acknowledged - 100); i < acknowledged; i++) {
        assertThat(found).as("round " + round).contains("m" + i);
      }
      next = acknowledged;
    }
    log.open().close();
    assertThat(log.verify().findings()).isEmpty();
  }
}
