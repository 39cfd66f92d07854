package dev.vouchsafe.ca;

import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.util.Optional;

/**
 * What steps in the life of authorities work on.
 *
 * @param bundle the trust bundle that follows the roots; empty where nobody reads one
 */
record AuthorityParts(
    CaSettings settings,
    NamedStores stores,
    SoftwareCrypto crypto,
    Ledger ledger,
    Issuers issuers,
    KeyServices services,
    AuthorityFactory factory,
    TrustedClock clock,
    Pace pace,
    Optional<RootBundle> bundle) {
  /** Not what is in memory: a step that timed out may have been written after all. */
  AuthorityChain chain() throws IOException {
    return AuthorityChain.load(ledger, settings, crypto, clock.instant());
  }

  /**
   * Has the trust bundle hold the roots that the ledger has in it, if there is a bundle.
   *
   * @throws IssuanceException if it can't be written; it is as it was
   */
  void followRoots() throws IssuanceException {
    if (bundle.isPresent()) {
      try {
        bundle.get().follow(issuers::chain, clock);
      } catch (IOException e) {
        throw new IssuanceException(
            IssuanceException.Reason.LEDGER_UNAVAILABLE,
            "the trust bundle can't be written: " + e.getMessage(),
            e);
      }
    }
  }

  /** The key of an authority that the ledger knows. */
  AuthorityKey key(LedgerReader.StoredAuthority authority) {
    return AuthorityKey.of(authority, stores, crypto);
  }
}
