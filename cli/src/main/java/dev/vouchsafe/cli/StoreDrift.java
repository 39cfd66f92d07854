package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityInfo;
import java.util.List;
import java.util.Optional;

/**
 * The configuration names another key store than the active device CA's key is in. The key stays
 * where it is; the next authority would go where the configuration says.
 *
 * @param found what differs, for people
 * @param advice what to change
 */
record StoreDrift(String found, String advice) {
  /** What differs, if anything does. */
  static Optional<StoreDrift> of(Configuration configuration, List<AuthorityInfo> authorities) {
    return authorities.stream()
        .filter(authority ->
            authority.role() == AuthorityInfo.Role.DEVICE
                && authority.state() == AuthorityInfo.State.ACTIVE)
        .findFirst()
        .flatMap(device -> of(configuration, device.id(), device.keyStore()));
  }

  /** The same of the active device CA and the name of its store. */
  static Optional<StoreDrift> of(Configuration configuration, String device, String keyStore) {
    String configured = configuration.keys().store().text();
    return configured.equals(keyStore)
        ? Optional.empty()
        : Optional.of(
            new StoreDrift(
                "the key of "
                    + device
                    + " is in "
                    + keyStore
                    + ", and "
                    + ConfigurationKey.STORE.title()
                    + " says "
                    + configured,
                "set it to \""
                    + keyStore
                    + "\" if "
                    + device
                    + " is to stay there, or move it: `vouchsafe ca prepare --key-store "
                    + configured
                    + "`"));
  }
}
