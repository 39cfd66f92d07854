package dev.vouchsafe.cli;

import dev.vouchsafe.attestation.RegistrationRules;
import dev.vouchsafe.ca.Profile;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** What registrations are read against: the profiles that the CA has. */
final class ModuleRules {
  private ModuleRules() {}

  static RegistrationRules rules() {
    return new RegistrationRules(
        Arrays.stream(Profile.values()).map(Profile::text).collect(Collectors.toSet()), List.of());
  }
}
