package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Where the rotation of one role stands: a look, which changes nothing.
 *
 * @param role root or device
 * @param active the authority of that role that signs
 * @param next the one that is to take over, if it is made already
 * @param steps the steps that are still to come, the next one first
 */
public record RotationPlan(
    AuthorityInfo.Role role,
    AuthorityInfo active,
    Optional<AuthorityInfo> next,
    List<Coming> steps) {
  public RotationPlan {
    steps = List.copyOf(steps);
  }

  /**
   * A step that is to come.
   *
   * @param step the step
   * @param authority id of the authority that it is about; empty for one that is yet to be made
   * @param automatic whether the service takes it by itself
   * @param from when it happens if it is automatic, else the earliest time at which it can be
   *     taken; empty if that can't be said
   * @param waitsFor what else must come first, each as a line for people; empty if nothing
   * @param affects what changes with it for whom, each as a line for people
   */
  public record Coming(
      RotationStep step,
      String authority,
      boolean automatic,
      Optional<Instant> from,
      List<String> waitsFor,
      List<String> affects) {
    public Coming {
      waitsFor = List.copyOf(waitsFor);
      affects = List.copyOf(affects);
    }
  }
}
