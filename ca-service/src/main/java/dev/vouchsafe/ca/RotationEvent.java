package dev.vouchsafe.ca;

import java.time.Instant;

/**
 * A step that was begun, as the ledger's journal has it.
 *
 * @param at when it was begun, in whole seconds
 * @param role of the authority that it is about
 * @param authority its id, such as {@code device-2}; empty for one that was not made
 * @param step the step
 * @param by who took it: {@code uid 0} for a person, {@link AuthorityChanges#AUTOMATIC}, or empty
 * @param outcome what became of it
 */
public record RotationEvent(
    Instant at,
    AuthorityInfo.Role role,
    String authority,
    RotationStep step,
    String by,
    Outcome outcome) {
  /** What became of a step. */
  public enum Outcome {
    /** It is under way, or this was not written down yet. */
    BEGUN,
    DONE,
    /** It could not be done, and changed nothing. */
    FAILED,
    /** The service ended in the middle of it; the next start undid what there was of it. */
    INTERRUPTED
  }
}
