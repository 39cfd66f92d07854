package dev.vouchsafe.api;

import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A log that a caller can't flood: at most so many lines in ten seconds, then one line that says
 * how many were left out. What callers sent is made harmless.
 */
final class QuietLog {
  private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final int LINES = 20;
  private static final int LONGEST = 500;

  private final System.Logger logger;
  private long windowStart = System.nanoTime();
  private int lines;
  private long leftOut;

  QuietLog(Class<?> owner) {
    this.logger = System.getLogger(owner.getName());
  }

  /** For what an administrator wants to know of, caused by callers. */
  void info(String message) {
    write(System.Logger.Level.INFO, message, null);
  }

  /** For our own failures. */
  void error(String message, Throwable cause) {
    write(System.Logger.Level.ERROR, message, cause);
  }

  /** For what may need an administrator. */
  void warning(String message) {
    write(System.Logger.Level.WARNING, message, null);
  }

  private void write(System.Logger.Level level, String message, @Nullable Throwable cause) {
    if (!logger.isLoggable(level)) {
      return;
    }
    long missed = admit();
    if (missed < 0) {
      return;
    }
    if (missed > 0) {
      logger.log(level, missed + " more lines like the last were left out");
    }
    String line = harmless(message);
    if (cause == null) {
      logger.log(level, line);
    } else {
      logger.log(level, line, cause);
    }
  }

  /** Lines left out since the last one, or -1 if this one is to be left out as well. */
  private synchronized long admit() {
    long now = System.nanoTime();
    if (now - windowStart >= WINDOW_NANOS) {
      windowStart = now;
      lines = 0;
    }
    if (lines >= LINES) {
      leftOut++;
      return -1;
    }
    lines++;
    long missed = leftOut;
    leftOut = 0;
    return missed;
  }

  /** Printable ASCII of bounded length, so that no caller can forge a line or a terminal code. */
  static String harmless(String text) {
    int length = Math.min(text.length(), LONGEST);
    StringBuilder line = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      line.append(c >= 0x20 && c < 0x7f ? c : '?');
    }
    return line.toString();
  }
}
