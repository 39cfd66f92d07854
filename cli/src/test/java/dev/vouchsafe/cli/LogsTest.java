package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;

class LogsTest {
  private static String format(boolean verbose, LogRecord record) {
    record.setInstant(CliRun.NOW.plusMillis(7));
    record.setLoggerName("dev.vouchsafe.x");
    return new Logs.LineFormatter(verbose).format(record);
  }

  @Test
  void oneEventIsOneLine() {
    LogRecord record = new LogRecord(Level.INFO, "{0} roots");
    record.setParameters(new Object[] {3});
    assertThat(format(false, record))
        .isEqualTo("2026-12-01T12:00:00.007Z INFO dev.vouchsafe.x 3 roots\n");
  }

  @Test
  void aNameWithALineBreakCannotForgeALine() {
    LogRecord record = new LogRecord(Level.INFO, "module {0}");
    record.setParameters(new Object[] {"x\n2026-12-01T12:00:00Z INFO all is well\r\u001b[2J"});
    assertThat(format(false, record)).hasLineCount(1).doesNotContain("\u001b").doesNotContain("\r");
  }

  @Test
  void aCauseIsNamedAndItsStackIsShownOnRequestOnly() {
    LogRecord record = new LogRecord(Level.WARNING, "no");
    record.setThrown(new IOException("disk\nfull"));
    assertThat(format(false, record)).endsWith("no: java.io.IOException: disk?full\n");
    assertThat(format(true, record)).contains("    at dev.vouchsafe.cli.LogsTest");
  }
}
