package dev.vouchsafe.api;

import dev.vouchsafe.ca.CertificateAuthority;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The keys that verify our tokens, over HTTP: any verifier may have them. */
final class TokenKeysApi {
  /** RFC 7517 section 8.5.2. */
  private static final String MEDIA_TYPE = "application/jwk-set+json";

  private final CertificateAuthority authority;

  TokenKeysApi(CertificateAuthority authority) {
    this.authority = authority;
  }

  Response answer(Request request) {
    byte[] keys = authority.tokens().jwks().getBytes(StandardCharsets.UTF_8);
    return CachedAnswer.of(request, '"' + sha256(keys) + '"', MEDIA_TYPE, keys);
  }

  /** Lower-case hex. */
  static String sha256(byte[] octets) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(octets));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }
}
