package dev.vouchsafe.attestation;

import java.util.List;
import java.util.Set;

/**
 * What a registration is read against.
 *
 * @param profiles the profile names that exist
 * @param builtIn registrations that are there without a file; a file's registration of the same
 *     name takes the place of one. A caller is measured against it only where it is named
 */
public record RegistrationRules(Set<String> profiles, List<Registration> builtIn) {
  public RegistrationRules {
    profiles = Set.copyOf(profiles);
    builtIn = List.copyOf(builtIn);
  }
}
