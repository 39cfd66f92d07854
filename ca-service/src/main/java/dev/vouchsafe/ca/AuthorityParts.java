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

  /** The key of an authority that the ledger knows. */
  AuthorityKey key(LedgerReader.StoredAuthority authority) {
    return AuthorityKey.of(authority, stores, crypto);
  }
}
