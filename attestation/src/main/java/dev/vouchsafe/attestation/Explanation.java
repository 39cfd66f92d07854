package dev.vouchsafe.attestation;

import java.util.List;

/**
 * How a process stands to a registration, for the administrator. A process was looked at, not a
 * connection of it: what only a connection shows stands among the rules as unavailable, and is no
 * part of the verdict.
 *
 * @param verdict what a connection of that process would find, and each selector
 * @param rules what must hold for every caller besides the selectors
 */
public record Explanation(Verdict verdict, List<SelectorResult> rules) {
  public Explanation {
    rules = List.copyOf(rules);
  }
}
