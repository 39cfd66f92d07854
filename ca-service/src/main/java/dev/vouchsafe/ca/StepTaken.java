package dev.vouchsafe.ca;

import java.util.List;

/**
 * What a step in the life of an authority did.
 *
 * @param authority the authority that it was about, as it stands now
 * @param breaks who may fail from now on since the step did not wait for them, each as a line for
 *     people; empty unless that was asked for
 */
public record StepTaken(AuthorityInfo authority, List<String> breaks) {
  public StepTaken {
    breaks = List.copyOf(breaks);
  }

  /** One that waited for all that it has to wait for. */
  static StepTaken whole(AuthorityInfo authority) {
    return new StepTaken(authority, List.of());
  }
}
