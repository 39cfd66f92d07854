package dev.vouchsafe.ca;

import java.time.Instant;

/**
 * A signed token.
 *
 * @param token JWS compact serialization (RFC 7515 section 7.1); a secret
 * @param id the claim {@code jti} (RFC 7519 section 4.1.7)
 * @param expiresAt its end, in whole seconds
 * @param renewAfter when to ask for the next one
 */
public record IssuedToken(String token, String id, Instant expiresAt, Instant renewAfter) {
  /** Without the token itself. */
  @Override
  public String toString() {
    return "IssuedToken[id=" + id + ", expiresAt=" + expiresAt + "]";
  }
}
