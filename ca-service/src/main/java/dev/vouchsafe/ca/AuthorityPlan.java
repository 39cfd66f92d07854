package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.OptionalInt;
import org.bouncycastle.asn1.x509.KeyUsage;

/**
 * What the certificate of an authority is to say.
 *
 * @param title the first words of its common name
 * @param lifetime how long it lives, if its issuer does
 * @param pathLength the longest path of authorities under it, if that is limited
 * @param keyUsage what its key may sign, as {@link KeyUsage} has it
 */
record AuthorityPlan(String title, Duration lifetime, OptionalInt pathLength, int keyUsage) {
  /** The top gateway's device CA may stand over this many authorities, and each layer one less. */
  private static final int PATH_LENGTH_OVER_LAYER = 6;

  private static final int CERTIFICATES_AND_LISTS = KeyUsage.keyCertSign | KeyUsage.cRLSign;

  static AuthorityPlan root(CaSettings settings) {
    return new AuthorityPlan(
        "Vouchsafe Root", settings.lifetimes().root(), OptionalInt.empty(), CERTIFICATES_AND_LISTS);
  }

  static AuthorityPlan device(CaSettings settings) {
    return new AuthorityPlan(
        "Vouchsafe Device CA",
        settings.lifetimes().deviceCa(),
        OptionalInt.of(pathLength(settings.identity().layer())),
        CERTIFICATES_AND_LISTS);
  }

  static AuthorityPlan issuing(CaSettings settings) {
    // It signs no revocation list: what it issues ends too soon to be revoked (RFC 9608).
    return new AuthorityPlan(
        "Vouchsafe Issuing CA",
        settings.issuing().lifetime(),
        OptionalInt.of(0),
        KeyUsage.keyCertSign);
  }

  /** The longest path under the device CA of a gateway at that layer. */
  static int pathLength(int layer) {
    return PATH_LENGTH_OVER_LAYER - layer;
  }
}
