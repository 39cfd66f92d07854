package dev.vouchsafe.api;

import dev.vouchsafe.ca.GatewayIdentity;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where verifiers that know OpenID Connect find the keys of our tokens (OpenID Connect Discovery
 * 1.0 section 4). Only that: nobody logs in here.
 */
final class OpenIdApi {
  private static final String HTTPS = "https://";

  /** The document, if tokens are issued in the name of an address at which it can be looked for. */
  private final Optional<byte[]> document;

  OpenIdApi(GatewayIdentity identity) {
    String issuer = identity.tokenIssuer();
    this.document = issuer.startsWith(HTTPS) ? Optional.of(document(issuer)) : Optional.empty();
  }

  private static byte[] document(String issuer) {
    return Json.object(json -> {
      json.writeStringField("issuer", issuer);
      json.writeStringField("jwks_uri", issuer + "/.well-known/jwks.json");
      for (Map.Entry<String, List<String>> each :
          List.of(
              Map.entry("response_types_supported", List.of("id_token")),
              Map.entry("subject_types_supported", List.of("public")),
              Map.entry("id_token_signing_alg_values_supported", List.of("ES256")),
              Map.entry("claims_supported", List.of("iss", "sub", "aud", "iat", "exp", "jti")))) {
        json.writeArrayFieldStart(each.getKey());
        for (String value : each.getValue()) {
          json.writeString(value);
        }
        json.writeEndArray();
      }
    });
  }

  Response answer(Request request) throws Failure {
    byte[] found =
        document.orElseThrow(() ->
            Failure.of(
                Problem.NOT_FOUND,
                "tokens are issued in the name of the trust domain; [gateway] issuer gives"
                    + " them an address"));
    return CachedAnswer.of(
        request, '"' + TokenKeysApi.sha256(found) + '"', Response.JSON.toString(), found);
  }
}
