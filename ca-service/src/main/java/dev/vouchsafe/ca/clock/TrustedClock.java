package dev.vouchsafe.ca.clock;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * The one clock of the service, which knows how far the machine's may be believed.
 *
 * <p>While that one is trusted, this shows what it shows. While it is not, this counts from the
 * floor, the latest moment that is known to have passed, by time that really passes. Safe for use
 * by many threads; reading it is cheap.
 */
public interface TrustedClock extends InstantSource, AutoCloseable {
  /** The longest life of what is issued while the time is not trusted. */
  Duration LONGEST_UNTRUSTED = Duration.ofHours(1);

  /** What may be done at a time. */
  enum Trust {
    /** It is the time, as far as can be told. */
    TRUSTED,
    /** It isn't known; what is issued lives {@link #LONGEST_UNTRUSTED} at most. */
    BOUNDED,
    /** It isn't known, and the operator wants nothing issued then. */
    STOPPED
  }

  /**
   * The time, and what may be done at it, both of one moment.
   *
   * @param now the time
   * @param trust what may be done
   */
  record Reading(Instant now, Trust trust) {
    /** Whether it is the time, as far as can be told. */
    public boolean isTrusted() {
      return trust == Trust.TRUSTED;
    }

    /** As much of that life as something may have that is issued now. */
    public Duration bounded(Duration life) {
      return isTrusted() || life.compareTo(LONGEST_UNTRUSTED) < 0 ? life : LONGEST_UNTRUSTED;
    }
  }

  /** The time, and what may be done at it. */
  Reading read();

  @Override
  default Instant instant() {
    return read().now();
  }

  /**
   * Becomes another number whenever the time becomes trusted again or is accepted: what was issued
   * before that, and can be issued anew, should be.
   */
  long epoch();

  /**
   * Whether the time is certain enough for what can't be undone, such as removing records for their
   * age: trusted, and also said to be right by the kernel or an administrator, or never far from
   * the floor since the start.
   */
  boolean isCertain();

  /** How it stands. */
  ClockStatus status();

  /**
   * An administrator says that the machine's clock is right: the floor becomes what it shows, also
   * where that is earlier. On the disk when this returns; otherwise nothing has changed.
   *
   * @throws ImpossibleTimeException if the clock is behind the build of this program
   * @throws IOException if it can't be written
   */
  ClockStatus accept() throws ImpossibleTimeException, IOException;

  /**
   * Has that listener told, from now on, of all that changes. It is called on the clock's own
   * thread, soon after it happened; work that takes long belongs elsewhere.
   */
  void listen(ClockListener listener);

  /** Stops watching, and writes the floor. */
  @Override
  void close();
}
