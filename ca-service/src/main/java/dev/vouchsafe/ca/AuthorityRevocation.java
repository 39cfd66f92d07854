package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.AuthorityInfo.State;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.RevocationLedger.RevokedAuthority;
import dev.vouchsafe.ca.RevocationOrder.Target;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Revokes an authority as a whole: it is on the list of the one over it, and all that it signed
 * counts as revoked, that of issuing CAs under it too.
 */
final class AuthorityRevocation {
  /**
   * A revocation under way.
   *
   * @param authorities which ones: it and the issuing CAs under it
   * @param write completes when it is on the disk, with how many were not revoked before
   */
  record Begun(List<StoredAuthority> authorities, CompletableFuture<Long> write) {
    /** What waits for it. */
    interface Waiting {
      long result() throws IssuanceException;
    }

    /** Its result; if it took over meanwhile, that is what whoever waits is told. */
    long told(Waiting waiting) throws IssuanceException {
      try {
        return waiting.result();
      } catch (IssuanceException e) {
        if (e.getCause() instanceof IssuanceException told
            && told.getCause() instanceof LedgerStatements.Unmet) {
          throw new IssuanceException(Reason.AUTHORITY_STATE, issues(authorities.getFirst()), e);
        }
        throw e;
      }
    }
  }

  private final Issuers issuers;
  private final RevocationLedger ledger;
  private final Distrust distrust;

  AuthorityRevocation(Issuers issuers, RevocationLedger ledger, Distrust distrust) {
    this.issuers = issuers;
    this.ledger = ledger;
    this.distrust = distrust;
  }

  /**
   * Begins to revoke one with the issuing CAs under it. They are distrusted until whoever called
   * ends that.
   */
  Begun begin(Target.Authority target, RevocationOrder order, Instant now)
      throws IssuanceException {
    StoredAuthority authority = find(target.id());
    requireRevocable(authority, target);
    List<StoredAuthority> all = new ArrayList<>(List.of(authority));
    issuers.delegates().stream()
        .filter(it -> AuthorityChain.isUnder(it, authority))
        .forEach(all::add);
    List<RevokedAuthority> rows = new ArrayList<>();
    for (StoredAuthority each : all) {
      rows.add(RevokedAuthority.of(each, over(each)));
    }
    boolean issuesToo = target.now() || distrust.covers(authority);
    distrust.begin(all);
    return new Begun(List.copyOf(all), ledger.revokeAuthorities(rows, order, now, issuesToo));
  }

  private StoredAuthority find(String id) throws IssuanceException {
    return issuers
        .chain()
        .find(id)
        .or(() -> issuers.delegates().stream().filter(it -> it.row().id().equals(id)).findAny())
        .orElseThrow(() ->
            new IssuanceException(
                Reason.CERTIFICATE_UNKNOWN, "there is no authority " + NameSyntax.quoted(id)));
  }

  private void requireRevocable(StoredAuthority authority, Target.Authority target)
      throws IssuanceException {
    AuthorityRow row = authority.row();
    if (row.role() == Role.ROOT) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          row.id()
              + " is a root: nobody is over it who could revoke it; those who trust it have to"
              + " be told to stop, by another trust bundle");
    }
    if (row.state() == State.PREPARED) {
      throw new IssuanceException(
          Reason.AUTHORITY_STATE,
          row.id() + " has signed nothing: `vouchsafe ca abort` gives it up");
    }
    boolean issues = issuers.chain().device().row().row() == row.row();
    if (issues && !target.now() && !distrust.covers(authority)) {
      throw new IssuanceException(Reason.AUTHORITY_STATE, issues(authority));
    }
  }

  private static String issues(StoredAuthority authority) {
    return authority.row().id()
        + " is the one that issues: prepare and activate another one first, or say --now, and"
        + " then no module gets a certificate until another one is active";
  }

  /** The one that signed its certificate. */
  private StoredAuthority over(StoredAuthority authority) throws IssuanceException {
    Optional<StoredAuthority> over =
        issuers.chain().all().stream()
            .filter(it -> AuthorityChain.isUnder(authority, it))
            .findAny();
    return over.orElseThrow(() ->
        new IssuanceException(
            Reason.AUTHORITY_STATE, "the authority over " + authority.row().id() + " isn't ours"));
  }
}
