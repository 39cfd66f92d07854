package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How the authorities stand, and what is to come of them.
 *
 * @param at the time of it
 * @param automatic whether the service rotates the device CA by itself
 * @param window when it does so, as configured; empty for at any time
 * @param problem why it doesn't just now though it should, if so
 * @param device the device CA's plan
 * @param root the root's plan
 * @param journal the latest steps, the newest first
 */
public record RotationStanding(
    Instant at,
    boolean automatic,
    Optional<String> window,
    Optional<String> problem,
    RotationPlan device,
    RotationPlan root,
    List<RotationEvent> journal) {
  public RotationStanding {
    journal = List.copyOf(journal);
  }
}
