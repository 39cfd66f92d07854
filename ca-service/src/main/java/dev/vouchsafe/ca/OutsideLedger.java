package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;

/** What the ledger keeps of authorities that others made or certify. */
final class OutsideLedger {
  private static final Duration WAITS = Duration.ofSeconds(10);

  private final LedgerWriter writer;
  private final LedgerReader reader;

  OutsideLedger(LedgerWriter writer, LedgerReader reader) {
    this.writer = writer;
    this.reader = reader;
  }

  /** Those that wait for their certificates. */
  List<StoredRequest> requests() throws IOException {
    return reader.requests();
  }

  /** Where the key of the newest device CA is, whatever became of that. */
  Optional<String> newestKeyStore() throws IOException {
    return reader.newestKeyStore();
  }

  /** Keeps the certificate that others made of a reserved authority, and those over it. */
  void store(AuthorityRow authority, byte[] certificate, List<byte[]> above)
      throws IssuanceException {
    KeyLedger.await(
        writer.conditional(ledger -> OutsideRows.store(ledger, authority, certificate, above)),
        WAITS);
  }

  /** Keeps the request of a reserved authority whose certificate others are to make. */
  void request(AuthorityRow authority, byte[] request) throws IssuanceException {
    KeyLedger.await(
        writer.conditional(ledger -> OutsideRows.insertRequest(ledger, authority.row(), request)),
        WAITS);
  }

  /**
   * Lets a device CA, whose certificate others made, issue from now on in place of the one before
   * it: all or nothing.
   *
   * @param step the number in the journal, which is noted as done, if it is there
   * @param anew what another key store sealed, if the key store changes with it
   */
  CompletableFuture<?> accept(
      OutsideRows.Answer answer, OptionalLong step, Optional<SealedAnew> anew) {
    return writer.conditional(ledger -> {
      OutsideRows.accept(ledger, answer);
      if (anew.isPresent()) {
        KeyLedger.replace(ledger, anew.get());
      }
      if (step.isPresent()) {
        RotationLedger.done(ledger, step.getAsLong(), answer.device().id());
      }
    });
  }

  /**
   * Gives a request up: no certificate for it is taken any more.
   *
   * @param step as above
   */
  CompletableFuture<?> giveUp(AuthorityRow authority, OptionalLong step) {
    return writer.conditional(ledger -> {
      OutsideRows.giveUp(ledger, authority);
      if (step.isPresent()) {
        RotationLedger.done(ledger, step.getAsLong(), authority.id());
      }
    });
  }
}
