package dev.vouchsafe.ca;

/**
 * Who this gateway is.
 *
 * @param deviceId a lower-case DNS label
 * @param trustDomain the SPIFFE trust domain: lower-case DNS labels, no underscore
 * @param layer 1 for the top gateway, to 5
 * @param tokenIssuer the claim {@code iss} of tokens: {@code spiffe://} and the trust domain, or
 *     the https address below which verifiers find our keys (OpenID Connect Discovery 1.0 section
 *     4)
 */
public record GatewayIdentity(String deviceId, String trustDomain, int layer, String tokenIssuer) {
  public GatewayIdentity {
    if (layer < 1 || layer > 5) {
      throw new IllegalArgumentException("layer must be 1 to 5");
    }
  }

  /** One that issues tokens in the name of its trust domain. */
  public GatewayIdentity(String deviceId, String trustDomain, int layer) {
    this(deviceId, trustDomain, layer, "spiffe://" + trustDomain);
  }
}
