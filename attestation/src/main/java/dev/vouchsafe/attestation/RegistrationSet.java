package dev.vouchsafe.attestation;

import java.util.List;
import java.util.Optional;

/** All registrations at one moment. Immutable. */
public interface RegistrationSet {
  /** Sorted by name. */
  List<Registration> all();

  Optional<Registration> byName(String name);

  /** Whether the registration of that name is there without a file. */
  boolean isBuiltIn(String name);

  /**
   * Those whose user selectors don't rule that user id out: the ones worth measuring. None that is
   * built in, since who means one of these names it.
   */
  List<Registration> candidates(long uid);

  /**
   * As {@link #candidates(long)}, without those that a look at the caller rules out: those of
   * containers for a caller in none, those of other systemd units.
   */
  default List<Registration> candidates(Caller caller) {
    return candidates(caller.uid());
  }

  /**
   * Files that were not taken as they are now; their last good state, if there was one, still
   * holds.
   */
  List<RegistrationProblem> problems();
}
