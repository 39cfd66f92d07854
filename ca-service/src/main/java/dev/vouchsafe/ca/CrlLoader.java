package dev.vouchsafe.ca;

import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.time.Instant;
import java.util.Optional;

/** Takes up the lists that the process before this one served. */
final class CrlLoader {
  private static final System.Logger LOG = System.getLogger(CrlLoader.class.getName());

  private final CrlFiles files;
  private final CrlReader reader;
  private final CrlLedger ledger;

  CrlLoader(CrlFiles files, SoftwareCrypto crypto, CrlLedger ledger) {
    this.files = files;
    this.reader = new CrlReader(crypto);
    this.ledger = ledger;
  }

  /** What was served when that process ended. */
  void load(CrlLine line) throws IssuanceException {
    Optional<byte[]> der = kept(line);
    if (der.isEmpty()) {
      return;
    }
    Optional<RevocationList> list = reader.read(line.authority(), der.get());
    if (list.isEmpty()) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the file of the revocation list of {0} is damaged: another one is made",
          line.id());
      return;
    }
    Optional<CrlLedger.ListRow> row = ledger.list(line.row());
    // Another one: it was cut off, or the ledger is an older one. Then nobody knows what it has.
    boolean known = row.isPresent() && ledger.isLast(line.row(), CrlReader.tbsSha256(der.get()));
    line.serve(
        new CrlLine.Served(
            list.get(),
            known ? row.get().covers() : -1,
            CrlPublisher.renewAt(list.get().thisUpdate(), list.get().nextUpdate()),
            !known));
    if (!known) {
      line.strange();
    }
  }

  /** A file that can't be read keeps nobody from another list. */
  private Optional<byte[]> kept(CrlLine line) {
    try {
      return files.read(line.id());
    } catch (IOException e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "the file of the revocation list of {0} can''t be read: {1}",
          line.id(),
          e.getMessage());
      return Optional.empty();
    }
  }

  /** What a list that verified once named stays revoked, also where the ledger forgot it. */
  void adopt(CrlLine line) throws IssuanceException {
    byte[] der = line.served().map(it -> it.list().der()).orElseThrow();
    Instant end = line.authority().certificate().getNotAfter().toInstant();
    long adopted = ledger.adopt(line.row(), CrlReader.entries(der, end));
    line.adopted();
    if (adopted > 0) {
      LOG.log(
          System.Logger.Level.WARNING,
          "{0} revocations on the list of {1} were not in the ledger, and are again",
          adopted,
          line.id());
    }
  }
}
