package dev.vouchsafe.ca;

/**
 * Whether an authority's key is there and signs, as tried just now.
 *
 * @param authority its id, such as {@code device-1}
 * @param keyStore name of the store that holds its key
 * @param outcome what was found
 * @param detail what was seen, for people, with what to change; never a secret
 */
public record AuthorityProof(String authority, String keyStore, Outcome outcome, String detail) {
  /** How it stands. */
  public enum Outcome {
    /** Found, its public key is that of the certificate, and what it signed verified. */
    WORKS,
    UNAVAILABLE,
    FAILED
  }
}
