package dev.vouchsafe.attestation;

/** Makes attestors. */
@SuppressWarnings("DoNotCallSuggester")
public final class Attestors {
  private Attestors() {}

  /** An attestor that uses what this kernel has. */
  public static Attestor open() {
    throw new UnsupportedOperationException();
  }
}
