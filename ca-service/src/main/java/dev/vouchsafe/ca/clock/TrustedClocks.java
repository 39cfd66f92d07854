package dev.vouchsafe.ca.clock;

import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;

/** Makes the clock of the service. */
public final class TrustedClocks {
  private TrustedClocks() {}

  /** What else tells that a moment has passed; asked only where the floor's own file can't. */
  @FunctionalInterface
  public interface Evidence {
    /** The latest such moment, if there is any. */
    Optional<Instant> latest() throws IOException;
  }

  /**
   * Starts watching the machine's clock, and keeps the floor. Fails for nothing: where the floor
   * can't be read or written, {@link ClockStatus#fault} says so.
   *
   * @param machine the machine's clock
   */
  public static TrustedClock open(
      ClockSettings settings, InstantSource machine, Evidence evidence) {
    return RunningClock.start(settings, new RealMachine(machine), evidence);
  }

  /** How the time would stand if the service started now. Changes nothing. */
  public static ClockStatus examine(
      ClockSettings settings, InstantSource machine, Evidence evidence) {
    return new RunningClock(settings, new RealMachine(machine), evidence).status();
  }

  /** A clock that is always right, since somebody says so. */
  public static TrustedClock believing(InstantSource source) {
    return new BelievedClock(source);
  }
}
