package dev.vouchsafe.cli.backup;

import java.io.IOException;

/** A file that is no backup, or not a whole one. */
public final class BackupException extends IOException {
  private static final long serialVersionUID = 1L;

  BackupException(String message) {
    super(message);
  }

  BackupException(String message, Throwable cause) {
    super(message, cause);
  }
}
