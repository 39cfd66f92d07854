package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import javax.security.auth.x500.X500Principal;

/**
 * Authorities that are revoked as a whole: in memory, so that no request waits for the ledger to
 * find out. As with {@link Denials}, whoever revokes puts one here before it is in the ledger, and
 * what the ledger says is read from it afterwards. Nothing lifts it.
 */
final class Distrust {
  /** By row; no two generations share a name. */
  private final Map<Long, X500Principal> distrusted = new ConcurrentHashMap<>();

  /** Which rows somebody is about to have revoked, once for each who is. */
  private final Map<UnderWay, Integer> underWay = new ConcurrentHashMap<>();

  private record UnderWay(long row, X500Principal name) {
    static UnderWay of(StoredAuthority authority) {
      return new UnderWay(authority.row().row(), authority.certificate().getSubjectX500Principal());
    }
  }

  Distrust(Collection<StoredAuthority> known) {
    known.forEach(this::add);
  }

  /** Distrusts these until {@link #end}. */
  void begin(Collection<StoredAuthority> authorities) {
    authorities.forEach(it -> underWay.merge(UnderWay.of(it), 1, Integer::sum));
  }

  /** Ends one {@link #begin}. */
  void end(Collection<StoredAuthority> authorities) {
    authorities.forEach(it ->
        underWay.computeIfPresent(UnderWay.of(it), (key, count) -> count == 1 ? null : count - 1));
  }

  /** Distrusts it from now on. */
  void add(StoredAuthority authority) {
    distrusted.put(authority.row().row(), authority.certificate().getSubjectX500Principal());
  }

  /** Distrusts those of them whose rows the ledger has as revoked. */
  void add(Collection<StoredAuthority> known, Set<Long> revoked) {
    known.stream().filter(it -> revoked.contains(it.row().row())).forEach(this::add);
  }

  /** Whether that authority, or the one over it, is revoked. */
  boolean covers(StoredAuthority authority) {
    // In this order, here and below: what is under way comes among the distrusted before it ends.
    if (underWay.isEmpty() && distrusted.isEmpty()) {
      return false;
    }
    X500Principal over = authority.certificate().getIssuerX500Principal();
    long row = authority.row().row();
    return underWay.keySet().stream().anyMatch(it -> it.row() == row || it.name().equals(over))
        || distrusted.containsKey(row)
        || distrusted.containsValue(over);
  }

  /** What is told to whoever wants something that it would sign. */
  static IssuanceException refusal(StoredAuthority authority) {
    return new IssuanceException(
        IssuanceException.Reason.AUTHORITY_UNAVAILABLE,
        authority.row().id() + " is revoked: prepare and activate another device CA");
  }
}
