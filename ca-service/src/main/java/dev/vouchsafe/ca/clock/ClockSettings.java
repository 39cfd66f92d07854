package dev.vouchsafe.ca.clock;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Locale;

/**
 * What the clock stands on.
 *
 * @param file where the floor is kept
 * @param built when this program was built: no earlier moment can be now
 * @param untrusted what is done while the machine's clock isn't trusted
 */
public record ClockSettings(Path file, Instant built, Untrusted untrusted) {
  /** What is done while the machine's clock isn't trusted. */
  public enum Untrusted {
    /** Issuing goes on with short lives, counted from the floor. */
    BOUNDED,
    /** Nothing is issued. */
    STOP;

    /** As it stands in the configuration. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
