package dev.vouchsafe.ca;

import java.util.Optional;

/**
 * Which ledger entries are wanted, and how many.
 *
 * @param filter only those
 * @param limit how many at most, 1 to 1000
 * @param before where the page before ended: its {@code next}
 */
public record LedgerQuery(LedgerFilter filter, int limit, Optional<String> before) {
  public LedgerQuery {
    if (limit < 1 || limit > 1000) {
      throw new IllegalArgumentException("limit must be 1 to 1000");
    }
  }

  /** The same for those of one registration, or all. */
  public LedgerQuery(Optional<String> module, int limit, Optional<String> before) {
    this(LedgerFilter.ofModule(module), limit, before);
  }
}
