package dev.vouchsafe.ca;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.util.Base64URL;
import java.security.interfaces.ECPublicKey;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;

/** Finds in a key set the keys that verify ES256 signatures, each by its id. */
final class VerificationKeys {
  private static final int COORDINATE = 32;

  private VerificationKeys() {}

  static Map<String, ECPublicKey> of(ObjectNode set) throws TokenException {
    JsonNode list = set.path("keys");
    if (!list.isArray()) {
      throw TokenVerifier.malformed("the key set has no list \"keys\"");
    }
    Map<String, ECPublicKey> keys = new HashMap<>();
    for (JsonNode key : list) {
      if (isForUs(key) && keys.put(key.path("kid").textValue(), key(key)) != null) {
        throw TokenVerifier.malformed("the key set has two keys of one id");
      }
    }
    return Map.copyOf(keys);
  }

  private static boolean isForUs(JsonNode key) {
    return is(key, "kty", "EC")
        && is(key, "crv", "P-256")
        && key.path("kid").isTextual()
        && (!key.has("alg") || is(key, "alg", "ES256"))
        && (!key.has("use") || is(key, "use", "sig") || is(key, "use", "jwt-svid"));
  }

  private static boolean is(JsonNode key, String name, String value) {
    return key.path(name).isTextual() && key.path(name).textValue().equals(value);
  }

  private static ECPublicKey key(JsonNode key) throws TokenException {
    if (key.has("d")) {
      throw TokenVerifier.malformed("the key set has a private key in it");
    }
    try {
      return new ECKey.Builder(Curve.P_256, coordinate(key, "x"), coordinate(key, "y"))
          .build()
          .toECPublicKey();
    } catch (JOSEException | IllegalStateException | IllegalArgumentException e) {
      throw TokenVerifier.malformed("the key set has a key that is no point of P-256");
    }
  }

  private static Base64URL coordinate(JsonNode key, String name) {
    byte[] octets = Base64.getUrlDecoder().decode(key.path(name).asText());
    if (octets.length != COORDINATE) {
      throw new IllegalArgumentException("a coordinate of P-256 has " + COORDINATE + " octets");
    }
    return Base64URL.encode(octets);
  }
}
