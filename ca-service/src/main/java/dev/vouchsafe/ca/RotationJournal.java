package dev.vouchsafe.ca;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.keys.KeyFault;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;

/** Has every step in the ledger's journal before it begins, and again when it has ended. */
final class RotationJournal {
  /** What is done once it is in the journal. */
  interface Work<T> {
    /**
     * Does it.
     *
     * @param number of the entry, which what is written last notes as done
     */
    CompletableFuture<T> take(long number) throws IssuanceException, KeyFault, IOException;
  }

  private final RotationLedger ledger;
  private final InstantSource clock;
  private final Duration longest;

  /**
   * @param longest how long the disk is waited for when a step begins
   */
  RotationJournal(RotationLedger ledger, InstantSource clock, Duration longest) {
    this.ledger = ledger;
    this.clock = clock;
    this.longest = longest;
  }

  /**
   * Does it, noted.
   *
   * @param id of the authority; empty for one that is yet to be made
   */
  <T> CompletableFuture<T> noted(Role role, RotationStep step, String id, String by, Work<T> work)
      throws IssuanceException, KeyFault, IOException {
    long number = ledger.begin(role, step, id, by, clock.instant(), longest);
    boolean begun = false;
    try {
      CompletableFuture<T> taken = work.take(number);
      begun = true;
      return taken.whenComplete((done, failure) -> {
        if (failure != null) {
          ledger.failed(number);
        }
      });
    } finally {
      if (!begun) {
        ledger.failed(number);
      }
    }
  }
}
