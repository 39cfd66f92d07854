package dev.vouchsafe.ca;

import java.time.Instant;
import java.util.List;

/**
 * What a token says whose signature and times were verified.
 *
 * @param subject the claim {@code sub} (RFC 7519 section 4.1.2): a SPIFFE ID, or a module's name
 * @param issuer the claim {@code iss}: {@link GatewayIdentity#tokenIssuer}
 * @param audience the claim {@code aud}
 * @param id the claim {@code jti}
 * @param issuedAt the claim {@code iat}
 * @param expiresAt the claim {@code exp}
 * @param kid the key that signed it
 */
public record VerifiedToken(
    String subject,
    String issuer,
    List<String> audience,
    String id,
    Instant issuedAt,
    Instant expiresAt,
    String kid) {
  public VerifiedToken {
    audience = List.copyOf(audience);
  }
}
