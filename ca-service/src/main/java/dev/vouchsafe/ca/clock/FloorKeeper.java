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

  /** Whether there may be a good file that could not be read: it is then looked at again. */
  private boolean unread;

  /** What turned out to be kept after all: nothing earlier takes its place. */
  private Instant atLeast = Instant.MIN;

  /** By {@link Machine#nanoTime}. Nothing before the first try. */
  private @Nullable Long nextTry;

  FloorKeeper(ClockSettings settings, FloorFile file, TrustedClocks.Evidence evidence) {
    this.settings = settings;
    this.file = file;
    this.evidence = evidence;
  }

  /**
   * What was kept, or what else is known; never before the build. Where it can't be told whether
   * there was a doubt, there is one.
   */
  FloorFile.Kept first() {
    try {
      Optional<FloorFile.Kept> kept = file.read();
      if (kept.isPresent()) {
        return new FloorFile.Kept(atLeastBuilt(kept.get().floor()), kept.get().doubted());
      }
      Instant known = known();
      LOG.log(
          System.Logger.Level.INFO, "no floor of the time is kept yet: it begins at {0}", known);
      return new FloorFile.Kept(known, false);
    } catch (IOException e) {
      Instant known = known();
      String why = reason(e);
      unread = !(e instanceof FloorFile.UnbelievableException);
      fault = why;
      LOG.log(
          System.Logger.Level.WARNING,
          "the floor of the time is not believed, {0} is taken in its place: {1}",
          known,
          why);
      return new FloorFile.Kept(known, true);
    }
  }

  private static String reason(IOException e) {
    return e instanceof FloorFile.UnbelievableException
        ? String.valueOf(e.getMessage())
        : "can't be read: " + e;
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
  synchronized void keepIfDue(Instant floor, boolean doubted, long nano) {
    Long next = nextTry;
    if (next == null || nano - next >= 0) {
      keep(floor, doubted, nano);
    }
  }

  /** Writes it now, if that can be done and takes the place of nothing later. */
  synchronized void keep(Instant floor, boolean doubted, long nano) {
    try {
      if (mayReplace(floor)) {
        write(floor, doubted, nano);
        return;
      }
    } catch (IOException e) {
      // Told by write.
    }
    nextTry = nano + AGAIN.toNanos();
  }

  private boolean mayReplace(Instant floor) {
    if (unread) {
      try {
        atLeast = file.read().map(FloorFile.Kept::floor).orElse(Instant.MIN);
      } catch (FloorFile.UnbelievableException e) {
        atLeast = Instant.MIN;
      } catch (IOException e) {
        fault = reason(e);
        return false;
      }
      unread = false;
    }
    if (floor.isBefore(atLeast)) {
      fault = "couldn't be read at the start, and is later than the running service's: " + atLeast;
      return false;
    }
    return true;
  }

  /** Writes it now, whatever is kept. */
  synchronized void write(Instant floor, boolean doubted, long nano) throws IOException {
    try {
      file.write(floor, doubted);
      unread = false;
      atLeast = Instant.MIN;
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
