package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** What must be true of every refusal: the reason, and that nothing was recorded or signed. */
final class Refusals {
  private Refusals() {}

  static void assertRefused(Reason reason, ThrowingCallable call) {
    IssuanceException refused = catchThrowableOfType(IssuanceException.class, call);
    assertThat(refused).as("an IssuanceException").isNotNull();
    assertThat(refused.reason()).as(refused.getMessage()).isEqualTo(reason);
  }

  static void assertNothingIssued(TestCa ca, Reason reason, Grant grant, CertificateRequest request)
      throws IssuanceException {
    int signatures = ca.store.signatures();
    LedgerQuery all = new LedgerQuery(Optional.empty(), 1000, Optional.empty());
    int recorded = ca.ca().certificates(all).items().size();

    assertRefused(reason, () -> ca.issue(grant, request));

    assertThat(ca.store.signatures()).as("signatures").isEqualTo(signatures);
    assertThat(ca.ca().certificates(all).items()).hasSize(recorded);
  }
}
