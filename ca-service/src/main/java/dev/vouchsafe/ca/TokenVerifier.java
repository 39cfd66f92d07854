package dev.vouchsafe.ca;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.util.Base64URL;
import dev.vouchsafe.ca.TokenException.Reason;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.interfaces.ECPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Verifies tokens that {@link TokenIssuer} made, with the public keys alone: JWS compact
 * serialization (RFC 7515 section 7.1), ES256 (RFC 7518 section 3.4) and nothing else, whatever the
 * token says about itself. Safe for use by many threads at once.
 */
public final class TokenVerifier {
  /** Longest token, in characters. */
  public static final int LONGEST_TOKEN = 16 * 1024;

  /** Largest key set, in characters. */
  public static final int LARGEST_JWKS = 256 * 1024;

  /** The issuer's clock may be ahead of ours by this. */
  private static final Duration SKEW = Duration.ofSeconds(60);

  private static final int PARTS = 3;
  private static final Set<String> HEADERS = Set.of("alg", "kid", "typ");
  private static final Set<String> TYPES = Set.of("JWT", "JOSE");

  /** Later times than the year 9999 are a mistake, and some of them would not be an Instant. */
  private static final long LATEST = 253_402_300_799L;

  private final Map<String, ECPublicKey> keys;
  private final StrictJson json;

  private TokenVerifier(Map<String, ECPublicKey> keys, StrictJson json) {
    this.keys = keys;
    this.json = json;
  }

  /**
   * A verifier with the keys of a JSON Web Key Set (RFC 7517 section 5). Keys that ES256 tokens
   * can't be verified with are passed over.
   *
   * @throws TokenException {@link Reason#MALFORMED} if it is over {@link #LARGEST_JWKS}, no key
   *     set, has a private key in it, a key that is none, or two keys of one id
   */
  public static TokenVerifier of(String jwksJson) throws TokenException {
    if (jwksJson.length() > LARGEST_JWKS) {
      throw malformed("the key set is longer than " + LARGEST_JWKS + " characters");
    }
    StrictJson json = new StrictJson();
    ObjectNode set =
        json.object(jwksJson).orElseThrow(() -> malformed("the key set is no JSON object"));
    return new TokenVerifier(VerificationKeys.of(set), json);
  }

  /**
   * Verifies a token.
   *
   * @param audience must be among the token's audiences; if absent, any will do
   * @param now the time to hold it against; {@code iat} and {@code nbf} may be 60 s ahead of it,
   *     {@code exp} must be after it
   */
  public VerifiedToken verify(String token, Optional<String> audience, Instant now)
      throws TokenException {
    if (token.length() > LONGEST_TOKEN) {
      throw malformed("the token is longer than " + LONGEST_TOKEN + " characters");
    }
    String[] parts = token.split("\\.", PARTS + 1);
    if (parts.length != PARTS) {
      throw malformed("the token has not three parts");
    }
    String kid = kid(object(parts[0], "header"));
    ECPublicKey key = keys.get(kid);
    if (key == null) {
      throw new TokenException(
          Reason.UNKNOWN_KEY, "there is no key " + NameSyntax.quoted(kid) + " in the key set");
    }
    requireSignature(key, parts);
    VerifiedToken verified = claims(object(parts[1], "payload"), kid, now);
    if (audience.isPresent() && !verified.audience().contains(audience.get())) {
      throw new TokenException(
          Reason.AUDIENCE, "the token is not for " + NameSyntax.quoted(audience.get()));
    }
    return verified;
  }

  /** The key id, after everything else in the header was found to be harmless. */
  private static String kid(ObjectNode header) throws TokenException {
    JsonNode algorithm = header.path("alg");
    if (!algorithm.isTextual() || !algorithm.textValue().equals("ES256")) {
      throw new TokenException(Reason.ALGORITHM, "the token is not signed by ES256");
    }
    for (Iterator<String> names = header.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      // "crit" among them, and all that would name a key in another way (RFC 7515 section 4.1).
      if (!HEADERS.contains(name)) {
        throw malformed("the token has the header " + NameSyntax.quoted(name));
      }
    }
    if (header.has("typ") && !TYPES.contains(text(header, "typ"))) {
      throw malformed("the token is of another type than JWT");
    }
    return text(header, "kid");
  }

  private static void requireSignature(ECPublicKey key, String[] parts) throws TokenException {
    octets(parts[2], "signature");
    byte[] input = (parts[0] + '.' + parts[1]).getBytes(StandardCharsets.US_ASCII);
    try {
      if (!new ECDSAVerifier(key)
          .verify(new JWSHeader(JWSAlgorithm.ES256), input, new Base64URL(parts[2]))) {
        throw new TokenException(Reason.SIGNATURE, "the token's signature does not verify");
      }
    } catch (JOSEException e) {
      throw new TokenException(Reason.SIGNATURE, "the token's signature does not verify");
    }
  }

  private static VerifiedToken claims(ObjectNode claims, String kid, Instant now)
      throws TokenException {
    Instant expiry = time(claims, "exp");
    Instant issued = time(claims, "iat");
    VerifiedToken token =
        new VerifiedToken(
            text(claims, "sub"),
            text(claims, "iss"),
            audience(claims.path("aud")),
            text(claims, "jti"),
            issued,
            expiry,
            kid);
    Instant notBefore = claims.has("nbf") ? time(claims, "nbf") : issued;
    if (!now.isBefore(expiry)) {
      throw new TokenException(Reason.EXPIRED, "the token ended at " + expiry);
    }
    if (issued.minus(SKEW).isAfter(now) || notBefore.minus(SKEW).isAfter(now)) {
      throw new TokenException(
          Reason.NOT_YET_VALID,
          "the token begins at " + (issued.isAfter(now) ? issued : notBefore));
    }
    return token;
  }

  private static List<String> audience(JsonNode claim) throws TokenException {
    if (claim.isTextual()) {
      return List.of(claim.textValue());
    }
    List<String> audience = new ArrayList<>();
    for (JsonNode one : claim) {
      if (!claim.isArray() || !one.isTextual()) {
        throw malformed("the claim aud is no list of texts");
      }
      audience.add(one.textValue());
    }
    if (audience.isEmpty()) {
      throw malformed("the token has no claim aud");
    }
    return audience;
  }

  private static String text(ObjectNode object, String name) throws TokenException {
    JsonNode value = object.path(name);
    if (!value.isTextual() || value.textValue().isEmpty()) {
      throw malformed("the token has no text " + name);
    }
    return value.textValue();
  }

  private static Instant time(ObjectNode claims, String name) throws TokenException {
    JsonNode value = claims.path(name);
    if (!value.isIntegralNumber()
        || !value.canConvertToLong()
        || value.longValue() < 0
        || value.longValue() > LATEST) {
      throw malformed("the token has no time " + name);
    }
    return Instant.ofEpochSecond(value.longValue());
  }

  private ObjectNode object(String part, String name) throws TokenException {
    try {
      String text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(octets(part, name)))
              .toString();
      return json.object(text)
          .orElseThrow(() -> malformed("the token's " + name + " is no plain JSON object"));
    } catch (CharacterCodingException e) {
      throw malformed("the token's " + name + " is not UTF-8");
    }
  }

  /**
   * Base64url without padding (RFC 7515 section 2), and only in the one spelling that encoding
   * those octets gives: unused bits at the end are zero.
   */
  private static byte[] octets(String part, String name) throws TokenException {
    try {
      byte[] octets = Base64.getUrlDecoder().decode(part);
      if (octets.length > 0
          && Base64.getUrlEncoder().withoutPadding().encodeToString(octets).equals(part)) {
        return octets;
      }
    } catch (IllegalArgumentException e) {
      throw malformed("the token's " + name + " is not base64url");
    }
    throw malformed("the token's " + name + " is not base64url in its only spelling");
  }

  static TokenException malformed(String message) {
    return new TokenException(Reason.MALFORMED, message);
  }
}
