package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.util.Collection;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.security.auth.x500.X500Principal;

/**
 * Authorities that are revoked as a whole: in memory, so that no request waits for the ledger to
 * find out. As with {@link Denials}, whoever revokes puts one here before it is in the ledger.
 */
final class Distrust {
  private final Set<Long> rows = ConcurrentHashMap.newKeySet();

  /** No two generations share a name. */
  private final Set<X500Principal> names = ConcurrentHashMap.newKeySet();

  Distrust(Collection<StoredAuthority> known) {
    known.forEach(this::add);
  }

  /** Whether it was not distrusted before. */
  boolean add(StoredAuthority authority) {
    names.add(authority.certificate().getSubjectX500Principal());
    return rows.add(authority.row().row());
  }

  void remove(StoredAuthority authority) {
    names.remove(authority.certificate().getSubjectX500Principal());
    rows.remove(authority.row().row());
  }

  /** Whether that authority, or the one over it, is revoked. */
  boolean covers(StoredAuthority authority) {
    return !rows.isEmpty()
        && (rows.contains(authority.row().row())
            || names.contains(authority.certificate().getIssuerX500Principal()));
  }

  /** What is told to whoever wants something that it would sign. */
  static IssuanceException refusal(StoredAuthority authority) {
    return new IssuanceException(
        IssuanceException.Reason.AUTHORITY_UNAVAILABLE,
        authority.row().id() + " is revoked: prepare and activate another device CA");
  }
}
