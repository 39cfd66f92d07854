package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.time.Duration;
import java.util.List;

/**
 * What the certificate of a CA below this gateway says: CA:TRUE, with keyCertSign and cRLSign.
 *
 * @param name the profile's name
 * @param keyTypes the key types that are certified
 * @param lifetime how long it lives, if its issuer does
 * @param pathLength the longest path of authorities under it
 * @param constraints whether it may only certify names of its own trust domain
 */
public record AuthorityProfile(
    Profile name,
    List<KeyType> keyTypes,
    Duration lifetime,
    int pathLength,
    Constraints constraints) {
  /** Whether there are name constraints (RFC 5280 section 4.2.1.10). */
  public enum Constraints {
    /** As RFC 5280 demands: who doesn't understand them refuses the certificate. */
    CRITICAL("critical"),
    /** For verifiers that refuse what they don't understand, and would then refuse all. */
    NON_CRITICAL("non-critical"),
    NONE("none");

    private final String text;

    Constraints(String text) {
      this.text = text;
    }

    /** The name of it in the configuration. */
    public String text() {
      return text;
    }
  }

  public AuthorityProfile {
    keyTypes = List.copyOf(keyTypes);
  }
}
