package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which modules get nothing, since their certificates were revoked: in memory, so that no request
 * waits for the ledger to find out.
 *
 * <p>Those are denied that the ledger denies, as it was last read, and those that somebody is about
 * to have it deny: whoever revokes puts the module here first and then into the ledger; whoever
 * issues looks here after the intent is in the ledger and before the key signs. So each certificate
 * is either among those that the revocation finds there, or not signed. Nobody takes back what
 * another put here: what the ledger says is read from it again after each write.
 */
final class Denials {
  private final Set<RevocationLedger.Denied> denied = ConcurrentHashMap.newKeySet();

  /** How many are about to deny each. */
  private final Map<RevocationLedger.Denied, Integer> underWay = new ConcurrentHashMap<>();

  Denials(Collection<RevocationLedger.Denied> known) {
    denied.addAll(known);
  }

  /** Denies these until {@link #end}, whatever the ledger says. */
  void begin(String module, Set<String> generations) {
    generations.forEach(
        it -> underWay.merge(new RevocationLedger.Denied(module, it), 1, Integer::sum));
  }

  /** Ends one {@link #begin}. */
  void end(String module, Set<String> generations) {
    generations.forEach(it ->
        underWay.computeIfPresent(
            new RevocationLedger.Denied(module, it),
            (key, count) -> count == 1 ? null : count - 1));
  }

  /** Denies these, whatever else is denied. */
  void add(String module, Set<String> generations) {
    generations.forEach(it -> denied.add(new RevocationLedger.Denied(module, it)));
  }

  /** Of that module, the ledger denies just these. */
  void become(String module, Set<String> generations) {
    add(module, generations);
    denied.removeIf(it -> it.module().equals(module) && !generations.contains(it.generation()));
  }

  boolean isDenied(Grant grant) {
    // In this order, here and below: what is under way comes among the denied before it ends.
    if (underWay.isEmpty() && denied.isEmpty()) {
      return false;
    }
    RevocationLedger.Denied asked = new RevocationLedger.Denied(grant.module(), grant.generation());
    return underWay.containsKey(asked) || denied.contains(asked);
  }

  /** What such a module is told: {@link Reason#MODULE_REVOKED}. */
  static IssuanceException refusal(Grant grant) {
    return new IssuanceException(
        Reason.MODULE_REVOKED,
        "the certificates of "
            + NameSyntax.quoted(grant.module())
            + " were revoked: it gets none until its registration has another generation, or an"
            + " administrator allows it");
  }
}
