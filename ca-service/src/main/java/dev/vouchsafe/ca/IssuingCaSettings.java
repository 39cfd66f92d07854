package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.Set;

/**
 * Whether leaves are signed by an issuing CA, a short-lived delegate of the device CA whose key is
 * in memory only, so that a slow key store signs once a day and not once a leaf.
 *
 * @param mode when there is one
 * @param lifetime how long one lives; it is renewed at half of that
 * @param byDevice the profiles whose leaves the device CA signs itself all the same
 */
public record IssuingCaSettings(Mode mode, Duration lifetime, Set<Profile> byDevice) {
  /** When there is an issuing CA. */
  public enum Mode {
    /** Where the device CA's key is in a TPM. */
    AUTO,
    ON,
    OFF
  }

  public IssuingCaSettings {
    byDevice = Set.copyOf(byDevice);
  }

  /** Where nothing else was chosen: automatic, 24 hours, all leaves. */
  public static IssuingCaSettings standard() {
    return new IssuingCaSettings(Mode.AUTO, Duration.ofHours(24), Set.of());
  }
}
