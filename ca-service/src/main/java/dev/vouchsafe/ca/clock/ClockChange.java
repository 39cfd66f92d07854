package dev.vouchsafe.ca.clock;

import java.time.Instant;
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
}
