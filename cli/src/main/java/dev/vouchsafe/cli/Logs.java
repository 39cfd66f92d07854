package dev.vouchsafe.cli;

import java.io.PrintStream;
import java.time.temporal.ChronoUnit;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;

/** Sets logging up: one line an event, to the error stream, {@code TIME LEVEL logger message}. */
final class Logs {
  private Logs() {}

  /** For a command that runs and ends: only what a person must see. */
  static void quiet(Console console, boolean verbose) {
    set(console, Level.WARNING, verbose);
  }

  /** For the service. */
  static void service(Console console, boolean verbose) {
    set(console, Level.INFO, verbose);
  }

  private static void set(Console console, Level usual, boolean verbose) {
    LogManager.getLogManager().reset();
    Logger root = Logger.getLogger("");
    root.addHandler(new LineHandler(console.err(), verbose));
    root.setLevel(verbose ? Level.FINE : usual);
  }

  /** Writes each record at once: the last line before a crash is the one that matters. */
  private static final class LineHandler extends Handler {
    private final PrintStream err;

    LineHandler(PrintStream err, boolean verbose) {
      this.err = err;
      setFormatter(new LineFormatter(verbose));
    }

    @Override
    public void publish(LogRecord record) {
      if (isLoggable(record)) {
        err.print(getFormatter().format(record));
        err.flush();
      }
    }

    @Override
    public void flush() {
      err.flush();
    }

    @Override
    public void close() {
      err.flush();
    }
  }

  /**
   * One line a record. Control characters, which a caller may have put into a name, become {@code
   * ?}: a log line can't be forged. Causes are named; their stack only with {@code --verbose}.
   */
  static final class LineFormatter extends Formatter {
    private final boolean verbose;

    LineFormatter(boolean verbose) {
      this.verbose = verbose;
    }

    @Override
    public String format(LogRecord record) {
      StringBuilder line = new StringBuilder(160);
      line.append(record.getInstant().truncatedTo(ChronoUnit.MILLIS))
          .append(' ')
          .append(record.getLevel().getName())
          .append(' ')
          .append(record.getLoggerName())
          .append(' ')
          .append(oneLine(formatMessage(record)));
      Throwable cause = record.getThrown();
      if (cause != null) {
        line.append(": ").append(oneLine(cause.toString()));
      }
      line.append('\n');
      if (cause != null && verbose) {
        for (StackTraceElement frame : cause.getStackTrace()) {
          line.append("    at ").append(frame).append('\n');
        }
      }
      return line.toString();
    }

    private static String oneLine(String text) {
      return text.replaceAll("\\p{Cntrl}", "?");
    }
  }
}
