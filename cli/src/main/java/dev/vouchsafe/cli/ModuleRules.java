package dev.vouchsafe.cli;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.attestation.RegistrationRules;
import dev.vouchsafe.attestation.Selector;
import dev.vouchsafe.ca.Lifetimes;
import dev.vouchsafe.ca.Profile;
import dev.vouchsafe.ca.Profiles;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What registrations are read against: the profiles that the CA has, and those that need no file.
 */
final class ModuleRules {
  /**
   * The registration of the gateway itself: its certificate's common name is the device id, and
   * with it the gateway is a client of its hub or parent.
   */
  static final String DEVICE = "device";

  private ModuleRules() {}

  /** The rules of that home, or of one that is to be made by this user. */
  static RegistrationRules of(Home home) throws IOException {
    Set<String> profiles =
        profiles(home).leaves().stream().map(Profile::text).collect(Collectors.toSet());
    return new RegistrationRules(profiles, List.of(device(serviceUser(home))));
  }

  private static Profiles profiles(Home home) throws IOException {
    if (!Files.exists(home.configuration())) {
      return Profiles.builtIn(Lifetimes.defaults(), 1);
    }
    try {
      return ConfigurationFile.read(home).profiles();
    } catch (ConfigurationException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static long serviceUser(Home home) throws IOException {
    return Files.exists(home.data()) ? FileTrust.owner(home.data()) : FileTrust.ownUser();
  }

  /** Whoever is the service's user can have the keys themselves: it is given nothing new. */
  private static Registration device(long user) {
    return new Registration(
        DEVICE,
        "1",
        List.of(new Selector.Uid(user)),
        Set.of(Profile.IDENTITY.text()),
        List.of(),
        List.of(),
        Optional.of(DEVICE),
        Optional.empty(),
        List.of(),
        Set.of(Registration.Channel.UNIX),
        false);
  }
}
