package dev.vouchsafe.ca;

import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/**
 * The CA of a gateway below this one, as it is to be certified.
 *
 * @param device the device id of that gateway: one DNS label
 * @param generation of its registration
 * @param profile what its certificate says
 * @param key its key, whose possession was proven
 */
record ChildCa(
    String device, String generation, AuthorityProfile profile, SubjectPublicKeyInfo key) {
  /** A name with a slash is no module's. */
  private static final String FOLDER = "child/";

  /** The trust domain that it is to have, under that of this gateway. */
  String trustDomain(GatewayIdentity parent) {
    return device + "." + parent.trustDomain();
  }

  /** What the ledger has in the place of a module's name. */
  String module() {
    return FOLDER + device;
  }

  /** Its common name, which is for people. */
  String commonName(GatewayIdentity parent) {
    return LeafPlan.commonName("Vouchsafe Child CA " + trustDomain(parent));
  }
}
