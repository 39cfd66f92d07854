package dev.vouchsafe.ca;

import java.util.Optional;

/**
 * Whether the service rotates the device CA by itself, and when.
 *
 * @param automatic whether it does; if not, it takes no step at all that nobody asked for
 * @param window the times at which it may begin to prepare or activate one; empty for any
 */
public record RotationSettings(boolean automatic, Optional<MaintenanceWindow> window) {
  /** By itself, at any time. */
  public static RotationSettings standard() {
    return new RotationSettings(true, Optional.empty());
  }

  /** Not by itself. */
  public static RotationSettings byHand() {
    return new RotationSettings(false, Optional.empty());
  }
}
