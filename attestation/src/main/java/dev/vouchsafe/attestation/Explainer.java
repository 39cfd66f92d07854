package dev.vouchsafe.attestation;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Collects what is found of each rule for every caller. */
final class Explainer {
  private static final String RULES = "rules";
  private static final String NO_CONNECTION =
      "not looked at: this is a process, and it takes a connection to tell";

  private final List<SelectorResult> rules = new ArrayList<>();

  /**
   * A rule that was looked at.
   *
   * @param found null if it holds
   */
  void rule(String rule, String holds, @Nullable Doubt found) {
    Finding finding = found == null ? Finding.of(true, holds) : Finding.of(found);
    rules.add(finding.result(rule, RULES));
  }

  /** A rule that only a connection shows. */
  void ofConnection(String rule) {
    rules.add(new SelectorResult(rule, NO_CONNECTION, SelectorResult.Outcome.UNAVAILABLE, RULES));
  }

  List<SelectorResult> rules() {
    return rules;
  }
}
