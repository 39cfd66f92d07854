package dev.vouchsafe.cli;

import java.util.Optional;

/**
 * One line of {@code check}.
 *
 * @param status how it stands
 * @param subject what was looked at
 * @param detail what was found
 * @param advice what to change, and where, unless all is well
 */
record Finding(Status status, String subject, String detail, Optional<String> advice) {
  /** How something stands. */
  enum Status {
    /** As it should be. */
    OK,
    /** It works, and a person should know. */
    WARN,
    /** It doesn't work. */
    FAIL
  }

  static Finding ok(String subject, String detail) {
    return new Finding(Status.OK, subject, detail, Optional.empty());
  }

  static Finding warn(String subject, String detail, String advice) {
    return new Finding(Status.WARN, subject, detail, Optional.of(advice));
  }

  static Finding fail(String subject, String detail, String advice) {
    return new Finding(Status.FAIL, subject, detail, Optional.of(advice));
  }
}
