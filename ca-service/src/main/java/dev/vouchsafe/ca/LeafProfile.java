package dev.vouchsafe.ca;

import java.util.List;
import org.bouncycastle.asn1.x509.KeyPurposeId;

/** What a {@link Profile} means in the terms of a certificate. */
final class LeafProfile {
  private LeafProfile() {}

  /** Whether the SPIFFE ID, if the grant has one, stands in the certificate. */
  static boolean carriesSpiffeId(Profile profile) {
    return switch (profile) {
      case IDENTITY -> true;
      case SERVER -> false;
    };
  }

  /** The extended key usages, in the order in which they are encoded. */
  static List<KeyPurposeId> purposes(Profile profile) {
    return switch (profile) {
      case IDENTITY -> List.of(KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_serverAuth);
      case SERVER -> List.of(KeyPurposeId.id_kp_serverAuth);
    };
  }
}
