package dev.vouchsafe.attestation;

import java.util.Set;

/**
 * What a registration is read against.
 *
 * @param profiles the profile names that exist
 */
public record RegistrationRules(Set<String> profiles) {
  public RegistrationRules {
    profiles = Set.copyOf(profiles);
  }
}
