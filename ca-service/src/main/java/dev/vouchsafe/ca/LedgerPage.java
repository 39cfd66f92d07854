package dev.vouchsafe.ca;

import java.util.List;
import java.util.Optional;

/**
 * A page of ledger entries. One may have fewer than were wanted, even none, and still not be the
 * last: only so many rows are looked at for one page.
 *
 * @param items the entries
 * @param next what to ask with for the page after, if there is one
 */
public record LedgerPage(List<LedgerEntry> items, Optional<String> next) {
  public LedgerPage {
    items = List.copyOf(items);
  }
}
