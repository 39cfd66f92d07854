package dev.vouchsafe.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.vouchsafe.ca.CertificateAuthority;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.TokenException;
import dev.vouchsafe.ca.TokenVerifier;
import dev.vouchsafe.ca.VerifiedToken;
import dev.vouchsafe.ca.clock.TrustedClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/** Validates JWT-SVIDs of our own trust domain (SPIFFE JWT-SVID section 5). */
final class TokenValidation {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String trustDomain;
  private final CertificateAuthority authority;
  private final TrustedClock clock;
  private volatile Known known = new Known("", "", Set.of());
  private volatile TokenVerifier verifier;

  /** What was read already. */
  private record Known(String jwks, String list, Set<String> revoked) {}

  TokenValidation(GatewayIdentity identity, CertificateAuthority authority, TrustedClock clock) {
    this.trustDomain = "spiffe://" + identity.trustDomain();
    this.authority = authority;
    this.clock = clock;
    this.verifier = verifier("{\"keys\":[]}");
  }

  /**
   * @throws Failure if it is not good, whatever the reason
   */
  VerifiedToken validate(String token, String audience) throws Failure {
    refresh();
    VerifiedToken verified;
    try {
      verified = verifier.verify(token, Optional.of(audience), clock.instant());
    } catch (TokenException e) {
      throw Failure.of(Problem.TOKEN_INVALID, String.valueOf(e.getMessage()));
    }
    if (!verified.subject().startsWith(trustDomain + "/")) {
      throw Failure.of(Problem.TOKEN_INVALID, "the token is of no SPIFFE ID of this trust domain");
    }
    if (known.revoked().contains(verified.id())) {
      throw Failure.of(Problem.TOKEN_INVALID, "the token was revoked");
    }
    return verified;
  }

  private synchronized void refresh() {
    String jwks = authority.tokens().jwks();
    String list = authority.revocations().revokedTokens();
    Known before = known;
    if (!before.jwks().equals(jwks)) {
      verifier = verifier(jwks);
    }
    if (!before.jwks().equals(jwks) || !before.list().equals(list)) {
      known = new Known(jwks, list, ids(list));
    }
  }

  private static TokenVerifier verifier(String jwks) {
    try {
      return TokenVerifier.of(jwks);
    } catch (TokenException e) {
      throw new IllegalStateException("our own keys can't be read", e);
    }
  }

  private static Set<String> ids(String list) {
    try {
      Set<String> ids = new HashSet<>();
      for (JsonNode item : JSON.readTree(list).path("items")) {
        ids.add(item.path("id").asText());
      }
      return Set.copyOf(ids);
    } catch (IOException e) {
      throw new UncheckedIOException("our own list can't be read", e);
    }
  }
}
