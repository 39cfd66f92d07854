package dev.vouchsafe.attestation;

import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;

/**
 * The folder {@code registrations.d}: reads it, follows it, and writes to it whole files at a time.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class RegistrationFolder {
  private RegistrationFolder() {}

  /** Reads the folder once. Bad files are in {@link RegistrationSet#problems()}. */
  public static RegistrationSet read(Path folder, RegistrationRules rules) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Follows the folder from now on. */
  public static Registrations follow(Path folder, RegistrationRules rules, InstantSource clock)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Writes {@code NAME.toml}, durable when this returns.
   *
   * @return the file
   * @throws RegistrationException if the registration breaks a rule, or its name or SPIFFE path is
   *     taken
   */
  public static Path add(Path folder, RegistrationRules rules, Registration registration)
      throws IOException, RegistrationException {
    throw new UnsupportedOperationException();
  }

  /**
   * Removes a registration; a file that holds others too is not touched.
   *
   * @throws RegistrationException if there is none of that name, or its file holds others too
   */
  public static Path remove(Path folder, RegistrationRules rules, String name)
      throws IOException, RegistrationException {
    throw new UnsupportedOperationException();
  }

  /** Reads one selector as a person writes it. */
  public static Selector selector(String text) throws RegistrationException {
    throw new UnsupportedOperationException();
  }
}
