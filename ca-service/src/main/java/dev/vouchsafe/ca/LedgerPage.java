package dev.vouchsafe.ca;

import java.util.List;
import java.util.Optional;

/**
 * A page of ledger entries.
 *
 * @param items the entries, newest first
 * @param next what to ask with for the page after, if there is one
 */
public record LedgerPage(List<LedgerEntry> items, Optional<String> next) {
  public LedgerPage {
    items = List.copyOf(items);
  }
}
