package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.RevocationLedger.RevokedAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Puts together what takes back, with what the ledger and the kept lists know at a start. */
record RevocationOpening(
    CaSettings settings,
    Ledger ledger,
    Issuers issuers,
    NamedStores stores,
    SoftwareCrypto crypto,
    TrustedClock clock,
    Pace pace) {
  private static final System.Logger LOG = System.getLogger(RevocationOpening.class.getName());

  /**
   * Opens it.
   *
   * @param live counts those that are not revoked, if they are limited
   * @throws IOException if the ledger can't be read
   */
  RevocationService open(Optional<LiveCertificates> live) throws IOException {
    List<RevocationTables> tables = new ArrayList<>();
    boolean opened = false;
    try {
      tables.add(ledger.revocations());
      // Of its own, since anyone may ask there: nobody else waits for it.
      tables.add(ledger.revocations());
      RevocationService service = open(live, tables);
      opened = true;
      return service;
    } catch (IssuanceException e) {
      throw new IOException(String.valueOf(e.getMessage()), e);
    } finally {
      if (!opened) {
        tables.forEach(RevocationTables::close);
      }
    }
  }

  private RevocationService open(Optional<LiveCertificates> live, List<RevocationTables> tables)
      throws IssuanceException {
    RevocationTables own = tables.getFirst();
    RevocationLedger revocations = new RevocationLedger(own);
    CrlLedger lists = new CrlLedger(own);
    Distrust distrust = distrust(revocations, lists);
    RevocationAftermath aftermath = new RevocationAftermath();
    RevokedTokens tokens = new RevokedTokens(settings.directory(), revocations, aftermath, clock);
    tokens.start();
    OcspLedger ocsp = new OcspLedger(tables.getLast(), distrust);
    OcspSigners signers =
        new OcspSigners(
            issuers,
            stores,
            crypto,
            new OcspSignerMaker(settings, crypto, ocsp, distrust, clock),
            distrust,
            clock,
            pace);
    OcspResponder responder = new OcspResponder(issuers, signers, ocsp, clock, pace);
    // A step may take back what one root says of another.
    issuers.listen(responder::forget);
    return new RevocationService(
        ledger,
        revocations,
        new Denials(revocations.denied()),
        new CrlPublisher(settings, issuers, stores, crypto, lists, clock, pace),
        issuers,
        distrust,
        tokens,
        signers,
        responder,
        new RevokedLiving(live, own, clock),
        aftermath,
        clock,
        tables);
  }

  private Distrust distrust(RevocationLedger revocations, CrlLedger lists)
      throws IssuanceException {
    List<StoredAuthority> known = new ArrayList<>(issuers.chain().all());
    known.addAll(issuers.delegates());
    CrlAdoption.Named named =
        new CrlAdoption(settings.directory(), crypto, lists).adopt(issuers.chain(), known);
    issuers.drop(named.vouchers());
    Set<Long> revoked = revocations.revokedAuthorities();
    Distrust distrust = new Distrust(named.authorities());
    distrust.add(known, revoked);
    known.stream().filter(distrust::covers).forEach(it -> issuers.drop(it.row().row()));
    withTheirDelegates(revocations, distrust, revoked);
    return distrust;
  }

  /**
   * Issuing CAs whose device CA is revoked count as revoked, also where the ledger learned of that
   * from a list, or just as one of them was being made.
   */
  private void withTheirDelegates(
      RevocationLedger revocations, Distrust distrust, Set<Long> revoked) {
    List<RevokedAuthority> lacking = new ArrayList<>();
    for (StoredAuthority over : issuers.chain().all()) {
      issuers.delegates().stream()
          .filter(it -> AuthorityChain.isUnder(it, over))
          .filter(it -> distrust.covers(it) && !revoked.contains(it.row().row()))
          .map(it -> RevokedAuthority.of(it, over))
          .forEach(lacking::add);
    }
    if (lacking.isEmpty()) {
      return;
    }
    var _ =
        revocations
            .revokeAuthorities(lacking, RevocationOrder.BY_ITSELF, clock.instant(), true)
            .whenComplete((count, failure) -> {
              if (failure != null) {
                LOG.log(
                    System.Logger.Level.WARNING,
                    "issuing CAs under a revoked device CA can''t be recorded as revoked: {0}",
                    failure.getMessage());
              }
            });
  }
}
