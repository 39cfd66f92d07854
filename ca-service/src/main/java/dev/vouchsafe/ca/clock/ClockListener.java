package dev.vouchsafe.ca.clock;

/** Who wants to know when time did not go on as it should: whoever has planned something for it. */
@FunctionalInterface
public interface ClockListener {
  /** Something changed. On the clock's own thread. */
  void changed(ClockChange change);
}
