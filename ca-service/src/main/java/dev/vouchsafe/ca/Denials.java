package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/**
 * Which modules get nothing, since their certificates were revoked: in memory, so that no request
 * waits for the ledger to find out.
 *
 * <p>Whoever revokes puts the module here first and then into the ledger; whoever issues looks here
 * after the intent is in the ledger and before the key signs. So each certificate is either among
 * those that the revocation finds there, or not signed.
 */
final class Denials {
  private final Set<RevocationLedger.Denied> denied = ConcurrentHashMap.newKeySet();

  Denials(Collection<RevocationLedger.Denied> known) {
    denied.addAll(known);
  }

  /** Denies these, and says which of them were not denied before. */
  Set<String> add(String module, Set<String> generations) {
    return generations.stream()
        .filter(it -> denied.add(new RevocationLedger.Denied(module, it)))
        .collect(Collectors.toUnmodifiableSet());
  }

  void remove(String module, Set<String> generations) {
    generations.forEach(it -> denied.remove(new RevocationLedger.Denied(module, it)));
  }

  /** The generations of a module that are denied. */
  Set<String> of(String module) {
    return denied.stream()
        .filter(it -> it.module().equals(module))
        .map(RevocationLedger.Denied::generation)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  boolean isDenied(Grant grant) {
    return !denied.isEmpty()
        && denied.contains(new RevocationLedger.Denied(grant.module(), grant.generation()));
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
