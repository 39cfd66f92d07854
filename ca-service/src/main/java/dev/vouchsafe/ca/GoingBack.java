package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which authority signs again where the active one is given up: of those that retire the newest
 * that can sign. One that was given up itself can't: what took over after it took over from the one
 * before it.
 */
final class GoingBack {
  private final AuthorityParts parts;
  private final RotationLedger ledger;

  GoingBack(AuthorityParts parts) {
    this.parts = parts;
    this.ledger = parts.ledger().rotation();
  }

  /** The device CA before the active one, under the same root. */
  Optional<StoredAuthority> device(AuthorityChain chain) throws IssuanceException {
    return newest(devicesBefore(chain));
  }

  private static List<StoredAuthority> devicesBefore(AuthorityChain chain) {
    return before(
        chain.in(Role.DEVICE, State.RETIRING).stream()
            .filter(it -> AuthorityChain.isUnder(it, chain.root()))
            .toList(),
        chain.device());
  }

  /** The same; said is why not, if there is none. */
  StoredAuthority requireDevice(AuthorityChain chain) throws IssuanceException {
    return require(devicesBefore(chain), chain.device());
  }

  /** The root before the active one. */
  Optional<StoredAuthority> root(AuthorityChain chain) throws IssuanceException {
    return newest(before(chain.in(Role.ROOT, State.RETIRING), chain.root()));
  }

  /** The same; said is why not, if there is none. */
  StoredAuthority requireRoot(AuthorityChain chain) throws IssuanceException {
    return require(before(chain.in(Role.ROOT, State.RETIRING), chain.root()), chain.root());
  }

  /** The device CA that can sign when that root takes over, if it has one. */
  Optional<StoredAuthority> deviceUnder(AuthorityChain chain, StoredAuthority root)
      throws IssuanceException {
    return newest(
        chain.devicesUnder(root).stream().filter(it -> it.row().state() != State.RETIRED).toList());
  }

  /** There is no way back from going back. */
  private static List<StoredAuthority> before(
      List<StoredAuthority> retiring, StoredAuthority active) {
    return retiring.stream()
        .filter(it -> it.row().generation() < active.row().generation())
        .toList();
  }

  private Optional<StoredAuthority> newest(List<StoredAuthority> among) throws IssuanceException {
    for (StoredAuthority each : among.reversed()) {
      if (obstacle(each).isEmpty()) {
        return Optional.of(each);
      }
    }
    return Optional.empty();
  }

  private StoredAuthority require(List<StoredAuthority> among, StoredAuthority active)
      throws IssuanceException {
    Optional<StoredAuthority> found = newest(among);
    if (found.isPresent()) {
      return found.get();
    }
    List<String> obstacles = new ArrayList<>();
    for (StoredAuthority each : among) {
      obstacle(each).ifPresent(obstacles::add);
    }
    throw new IssuanceException(
        Reason.AUTHORITY_STATE,
        active.row().id()
            + " is active, and there is none before it to go back to"
            + (obstacles.isEmpty() ? "" : " (" + String.join("; ", obstacles) + ")")
            + ": prepare another");
  }

  /** Why that one can't sign again, if it can't. */
  private Optional<String> obstacle(StoredAuthority authority) throws IssuanceException {
    String id = authority.row().id();
    if (!authority.isValid(parts.clock().instant())) {
      return Optional.of(
          id
              + " is valid from "
              + LivingUnder.time(authority.certificate().getNotBefore().toInstant())
              + " to "
              + LivingUnder.time(authority.end()));
    }
    if (ledger.isRevoked(authority.row())) {
      return Optional.of(id + " is revoked");
    }
    return ledger.wasGivenUp(id) ? Optional.of(id + " was given up itself") : Optional.empty();
  }
}
