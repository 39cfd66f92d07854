package dev.vouchsafe.ca.clock;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/**
 * Something that happened to the time.
 *
 * @param kind what
 * @param from what the machine's clock would have shown; of {@link Kind#ACCEPTED} the floor before
 * @param to what it shows; of {@link Kind#UNTRUSTED} the time that is counted instead; of {@link
 *     Kind#ACCEPTED} the floor now
 * @param verdict on the machine's clock after it
 */
public record ClockChange(Kind kind, Instant from, Instant to, ClockVerdict verdict) {
  /** The kinds of change. */
  public enum Kind {
    /** The machine's clock was set, forward or back. */
    JUMPED,
    /** The machine slept, and the clock shows it. */
    SUSPENDED,
    /** The machine's clock is not believed any more. */
    UNTRUSTED,
    /** The machine's clock is believed again. */
    TRUSTED,
    /** An administrator said that the machine's clock is right. */
    ACCEPTED;

    /** As it stands in records: one lower-case word. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** It as a line of the log, in whole seconds. */
  String text() {
    Instant begin = from.truncatedTo(ChronoUnit.SECONDS);
    Instant end = to.truncatedTo(ChronoUnit.SECONDS);
    return switch (kind) {
      case JUMPED -> "the clock jumped from " + begin + " to " + end;
      case SUSPENDED -> "the machine slept from " + begin + " to " + end;
      case UNTRUSTED ->
          "the clock is not trusted, it shows "
              + begin
              + " ("
              + verdict.text()
              + "); time is counted from "
              + end
              + ": set the clock, or see `vouchsafe clock status`";
      case TRUSTED -> "the clock is trusted again, at " + end + "; " + begin + " was counted";
      case ACCEPTED -> "the clock was accepted, the floor went from " + begin + " to " + end;
    };
  }
}
