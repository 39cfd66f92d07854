package dev.vouchsafe.cli;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.ca.IssuingCaSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What {@code check} says of lifetimes that the issuing CA does not outlive. */
final class IssuingChecks {
  private IssuingChecks() {}

  /**
   * Whether certificates go past the issuing CA: it is renewed at half of its life, so one that is
   * to live longer than the other half is the device CA's at least half of the time.
   */
  static Optional<Finding> of(Home home, Configuration configuration, KeyStoreChecks stores) {
    IssuingCaSettings issuing = configuration.issuing();
    boolean delegates =
        switch (issuing.mode()) {
          case ON -> true;
          case AUTO -> stores.deviceCaIsIn(KeyStoreName.TPM);
          case OFF -> false;
        };
    Duration half = issuing.lifetime().dividedBy(2);
    List<String> longer = delegates ? longer(home, configuration, half) : List.of();
    return longer.isEmpty()
        ? Optional.empty()
        : Optional.of(
            Finding.warn(
                "issuing",
                "over half of "
                    + ConfigurationKey.ISSUING_CA_LIFETIME.title()
                    + ", "
                    + Durations.format(issuing.lifetime())
                    + ", and so signed by the device CA, at the speed of its key store: "
                    + String.join(", ", longer),
                "shorten them, or lengthen " + ConfigurationKey.ISSUING_CA_LIFETIME.title()));
  }

  private static List<String> longer(Home home, Configuration configuration, Duration half) {
    List<String> longer = new ArrayList<>();
    Duration leaf = configuration.lifetimes().leaf();
    if (leaf.compareTo(half) > 0) {
      longer.add(ConfigurationKey.LEAF_LIFETIME.title() + " " + Durations.format(leaf));
    }
    try {
      for (Registration module : ModuleFiles.read(home).all()) {
        module
            .ttl()
            .filter(ttl -> ttl.compareTo(half) > 0)
            .ifPresent(ttl ->
                longer.add("ttl of the module " + module.name() + " " + Durations.format(ttl)));
      }
    } catch (CommandFailure e) {
      // The findings about registrations tell of it.
      return longer;
    }
    return longer;
  }
}
