package dev.vouchsafe.ca.clock;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the floor at start and writes it now and then: so rarely that it wears no flash memory out.
 * A disk that can't be written takes nothing from the clock; it is told once, and tried again.
 */
final class FloorKeeper {
  /** How much of the floor a power cut may cost. */
  static final Duration EVERY = Duration.ofMinutes(5);

  private static final Duration AGAIN = Duration.ofMinutes(1);
  private static final System.Logger LOG = System.getLogger(FloorKeeper.class.getName());

  private final ClockSettings settings;
  private final FloorFile file;
  private final TrustedClocks.Evidence evidence;
  private volatile @Nullable String fault;

  /** By {@link Machine#nanoTime}. Nothing before the first try. */
  private @Nullable Long nextTry;

  FloorKeeper(ClockSettings settings, FloorFile file, TrustedClocks.Evidence evidence) {
    this.settings = settings;
    this.file = file;
    this.evidence = evidence;
  }

  /** The floor as it was kept, or what else is known; never before the build. */
  Instant first() {
    try {
      Optional<Instant> kept = file.read();
      if (kept.isPresent()) {
        return atLeastBuilt(kept.get());
      }
      Instant known = known();
      LOG.log(
          System.Logger.Level.INFO, "no floor of the time is kept yet: it begins at {0}", known);
      return known;
    } catch (IOException e) {
      Instant known = known();
      String why = String.valueOf(e.getMessage());
      fault = why;
      LOG.log(
          System.Logger.Level.WARNING,
          "the floor of the time is not believed, {0} is taken in its place: {1}",
          known,
          why);
      return known;
    }
  }

  private Instant known() {
    try {
      return atLeastBuilt(evidence.latest().orElse(Instant.MIN));
    } catch (IOException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "when the last certificate was made can''t be told: {0}",
          e.getMessage());
      return settings.built();
    }
  }

  private Instant atLeastBuilt(Instant floor) {
    return floor.isBefore(settings.built()) ? settings.built() : floor;
  }

  /** Writes it if it is time to. */
  synchronized void keepIfDue(Instant floor, long nano) {
    Long next = nextTry;
    if (next == null || nano - next >= 0) {
      keep(floor, nano);
    }
  }

  /** Writes it now, if that can be done. */
  synchronized void keep(Instant floor, long nano) {
    try {
      write(floor, nano);
    } catch (IOException e) {
      nextTry = nano + AGAIN.toNanos();
    }
  }

  /** Writes it now. */
  synchronized void write(Instant floor, long nano) throws IOException {
    try {
      file.write(floor);
      if (fault != null) {
        LOG.log(System.Logger.Level.INFO, "the floor of the time is kept again");
      }
      fault = null;
      nextTry = nano + EVERY.toNanos();
    } catch (IOException e) {
      String why = "can't be written: " + e;
      if (!why.equals(fault)) {
        LOG.log(System.Logger.Level.WARNING, "the floor of the time {0}", why);
      }
      fault = why;
      throw e;
    }
  }

  /** Why it can't be read or written, if it can't. */
  Optional<String> fault() {
    return Optional.ofNullable(fault);
  }
}
