package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.clock.TrustedClock.Reading;
import dev.vouchsafe.ca.clock.TrustedClock.Trust;

/** What the trust in the time lets happen. */
final class Times {
  private Times() {}

  /**
   * @throws IssuanceException {@link Reason#CLOCK_UNTRUSTED} if nothing is to be issued at that
   *     time
   */
  static void requireIssuing(Reading time) throws IssuanceException {
    if (time.trust() == Trust.STOPPED) {
      throw untrusted("the operator wants nothing issued until it is");
    }
  }

  /**
   * @throws IssuanceException {@link Reason#CLOCK_UNTRUSTED} if it isn't the time for what lives
   *     for years
   */
  static void requireTrusted(Reading time) throws IssuanceException {
    if (!time.isTrusted()) {
      throw untrusted("an authority lives for too long to be made now");
    }
  }

  static IssuanceException untrusted(String why) {
    return new IssuanceException(
        Reason.CLOCK_UNTRUSTED,
        "the clock is not trusted, and " + why + ": set it, or see `vouchsafe clock status`");
  }
}
