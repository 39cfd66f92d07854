package dev.vouchsafe.ca;

import java.util.Optional;

/**
 * Which ledger entries are wanted, newest first.
 *
 * @param module only those of that registration
 * @param limit how many at most, 1 to 1000
 * @param before where the page before ended: its {@code next}
 */
public record LedgerQuery(Optional<String> module, int limit, Optional<String> before) {
  public LedgerQuery {
    if (limit < 1 || limit > 1000) {
      throw new IllegalArgumentException("limit must be 1 to 1000");
    }
  }
}
