package dev.vouchsafe.attestation;

/** The registrations of a folder, as they are at each call. */
public interface Registrations extends AutoCloseable {
  /** The set as of now: every file change that was complete before this call is in it. */
  RegistrationSet current();

  @Override
  void close();
}
