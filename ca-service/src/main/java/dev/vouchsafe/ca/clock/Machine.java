package dev.vouchsafe.ca.clock;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** What the machine tells of time. Tests put one in its place whose clock they move. */
interface Machine {
  /** Its clock (CLOCK_REALTIME), which may be set to anything at any time. */
  Instant clock();

  /** Nanoseconds that passed since some moment, without those in which it slept. Never jumps. */
  long nanoTime();

  /** How long it is up, with the time in which it slept, if that can be told. */
  Optional<Duration> upTime();

  /** What the kernel says of its clock. */
  Synchronised synchronised();
}
