package dev.vouchsafe.attestation;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/**
 * The folder {@code registrations.d}: reads it, follows it, and writes to it whole files at a time.
 */
public final class RegistrationFolder {
  /** How long a read waits for the names of users and groups. */
  private static final Duration PATIENCE = Duration.ofSeconds(1);

  private RegistrationFolder() {}

  /**
   * Reads the folder once. What is wrong with it or its files is in {@link
   * RegistrationSet#problems()}; a bad file gives nothing.
   */
  public static RegistrationSet read(Path folder, RegistrationRules rules) throws IOException {
    // Nothing is compared with later, so no clock is asked.
    InstantSource noClock = () -> Instant.EPOCH;
    try (Registrations once =
        new FollowedFolder(
            folder, rules, noClock, new Accounts(new LibcAccountNames(), PATIENCE), false)) {
      return once.current();
    }
  }

  /**
   * Follows the folder from now on, whether or not it exists yet. Must be closed.
   *
   * @param clock tells how old a file is, which matters where the kernel can't report changes
   */
  public static Registrations follow(Path folder, RegistrationRules rules, InstantSource clock)
      throws IOException {
    return new FollowedFolder(
        folder, rules, clock, new Accounts(new LibcAccountNames(), PATIENCE), true);
  }

  /**
   * Writes {@code NAME.toml}, durable when this returns. Without a SPIFFE path the one that follows
   * from the name is meant; addresses are written in their canonical text.
   *
   * @return the file
   * @throws RegistrationException if the registration breaks a rule, or its name or SPIFFE path is
   *     taken
   */
  public static Path add(Path folder, RegistrationRules rules, Registration registration)
      throws IOException, RegistrationException {
    return new FolderWriter(folder, rules).add(registration);
  }

  /**
   * Removes a registration; a file that holds others too is not touched.
   *
   * @throws RegistrationException if there is none of that name, or its file holds others too
   */
  public static Path remove(Path folder, RegistrationRules rules, String name)
      throws IOException, RegistrationException {
    return new FolderWriter(folder, rules).remove(name);
  }

  /** Reads one selector as a person writes it. */
  public static Selector selector(String text) throws RegistrationException {
    return SelectorText.parse(text);
  }
}
