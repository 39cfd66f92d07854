package dev.vouchsafe.cli;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Why a command did not do what it was asked, in one line for the person who typed it: the cause,
 * then the next step. It carries no secret.
 */
final class CommandFailure extends Exception {
  private static final long serialVersionUID = 1L;

  private final ExitCode code;
  private final @Nullable Duration again;

  private CommandFailure(ExitCode code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
    this.again = null;
  }

  private CommandFailure(String message, Duration again) {
    super(message);
    this.code = ExitCode.UNAVAILABLE;
    this.again = again;
  }

  /** What passes by itself after that time. */
  static CommandFailure passing(String message, Duration again) {
    return new CommandFailure(message, again);
  }

  static CommandFailure failed(String message) {
    return new CommandFailure(ExitCode.FAILED, message, null);
  }

  static CommandFailure failed(String message, Throwable cause) {
    return new CommandFailure(ExitCode.FAILED, message, cause);
  }

  static CommandFailure usage(String message) {
    return new CommandFailure(ExitCode.USAGE, message, null);
  }

  static CommandFailure refused(String message) {
    return new CommandFailure(ExitCode.REFUSED, message, null);
  }

  static CommandFailure unavailable(String message) {
    return new CommandFailure(ExitCode.UNAVAILABLE, message, null);
  }

  static CommandFailure unavailable(String message, Throwable cause) {
    return new CommandFailure(ExitCode.UNAVAILABLE, message, cause);
  }

  ExitCode code() {
    return code;
  }

  /** After how long the same will be done, where the service knows. */
  Optional<Duration> again() {
    return Optional.ofNullable(again);
  }
}
