package dev.vouchsafe.ca;

/**
 * Who this gateway is.
 *
 * @param deviceId a lower-case DNS label
 * @param trustDomain the SPIFFE trust domain: lower-case DNS labels, no underscore
 * @param layer 1 for the top gateway, to 5
 */
public record GatewayIdentity(String deviceId, String trustDomain, int layer) {
  public GatewayIdentity {
    if (layer < 1 || layer > 5) {
      throw new IllegalArgumentException("layer must be 1 to 5");
    }
  }
}
