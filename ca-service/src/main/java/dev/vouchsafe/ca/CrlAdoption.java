package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Takes in, at a start and before anything is signed, what the kept lists name and the ledger
 * doesn't know: an older ledger may stand in the place of the one that they were made from. The
 * list of an authority that signs none any more counts as well, and so does that of one whose key
 * isn't at hand.
 */
final class CrlAdoption {
  private static final System.Logger LOG = System.getLogger(CrlAdoption.class.getName());

  private final CrlFiles files;
  private final CrlReader reader;
  private final CrlLedger ledger;

  CrlAdoption(Path directory, SoftwareCrypto crypto, CrlLedger ledger) {
    this.files = new CrlFiles(directory);
    this.reader = new CrlReader(crypto);
    this.ledger = ledger;
  }

  /**
   * What must not be used any more, also where the ledger can't take it in now.
   *
   * @param authorities which must not sign
   * @param vouchers serial numbers of certificates of roots for roots, which must be in no chain
   */
  record Named(List<StoredAuthority> authorities, List<byte[]> vouchers) {}

  /**
   * Takes in what each of their lists names.
   *
   * @param chain with those that may have signed one
   * @param named those that one may name
   */
  Named adopt(AuthorityChain chain, List<StoredAuthority> named) throws IssuanceException {
    Named revoked = new Named(new ArrayList<>(), new ArrayList<>());
    for (StoredAuthority authority : chain.all()) {
      Optional<byte[]> der = strange(authority);
      if (der.isPresent()) {
        Instant end = authority.certificate().getNotAfter().toInstant();
        List<CrlLedger.Entry> entries = CrlReader.entries(der.get(), end);
        Set<BigInteger> serials = new HashSet<>();
        entries.forEach(it -> serials.add(new BigInteger(1, it.serial().octets())));
        named.stream()
            .filter(it -> AuthorityChain.isUnder(it, authority))
            .filter(it -> serials.contains(it.certificate().getSerialNumber()))
            .forEach(revoked.authorities()::add);
        entries.stream()
            .map(it -> it.serial().octets())
            .filter(chain::isVoucher)
            .forEach(revoked.vouchers()::add);
        adopt(authority, entries);
      }
    }
    return revoked;
  }

  /** The kept list of that authority, if the ledger is not the one that it was made from. */
  private Optional<byte[]> strange(StoredAuthority authority) throws IssuanceException {
    try {
      Optional<byte[]> der = files.read(authority.row().id());
      return der.isPresent()
              && reader.read(authority, der.get()).isPresent()
              && !ledger.isLast(authority.row().row(), CrlReader.tbsSha256(der.get()))
          ? der
          : Optional.empty();
    } catch (IOException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the file of the revocation list of {0} can''t be read: {1}",
          authority.row().id(),
          e.getMessage());
      return Optional.empty();
    }
  }

  private void adopt(StoredAuthority authority, List<CrlLedger.Entry> entries) {
    String id = authority.row().id();
    try {
      long fresh = ledger.adopt(authority.row().row(), entries);
      if (fresh > 0) {
        LOG.log(
            System.Logger.Level.WARNING,
            "{0} revocations on the list of {1} were not in the ledger, and are again",
            fresh,
            id);
      }
    } catch (IssuanceException e) {
      // Whoever makes the next list tries again, and makes none before that.
      LOG.log(
          System.Logger.Level.WARNING,
          "what the list of {0} names can''t be taken into the ledger now: {1}",
          id,
          Failures.words(e));
    }
  }
}
