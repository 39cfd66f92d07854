package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.Optional;

/**
 * What a person did that the service does not undo by itself.
 *
 * @param by the step by which a device CA was given up
 * @param until when the service goes on all the same, since the active one is about to end
 */
record Hold(RotationEvent by, Instant until) {
  /** The one that holds at that time. */
  static Optional<Hold> of(Optional<RotationEvent> givenUp, DeviceSchedule schedule, Instant now) {
    return givenUp
        .map(step -> new Hold(step, schedule.held(step.at())))
        .filter(hold -> now.isBefore(hold.until()));
  }

  /** It in a few words. */
  String text() {
    return by.authority()
        + " was given up by "
        + (by.by().isEmpty() ? "a person" : by.by())
        + " at "
        + LivingUnder.time(by.at())
        + ": nothing is replaced by itself before "
        + LivingUnder.time(until)
        + ", unless another is prepared by hand";
  }
}
