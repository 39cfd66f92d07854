package dev.vouchsafe.attestation;

import java.util.List;

/** What the selectors of one registration must be together. */
final class SelectorRules {
  private SelectorRules() {}

  /**
   * Checks that they keep other local users out, and that there can be a caller that matches.
   *
   * @param any alternatives, none of them empty
   */
  static void check(List<Selector> selectors, List<List<Selector>> any, List<Selector> not)
      throws RegistrationException {
    checkOwner(selectors, any);
    Contradictions.refuse("selectors", selectors, selectors);
    Contradictions.refuseExcluded("selectors", selectors, not);
    for (int i = 0; i < any.size(); i++) {
      String where = "any, list " + (i + 1);
      Contradictions.refuse(where, any.get(i), any.get(i));
      Contradictions.refuse(where + ", with selectors", any.get(i), selectors);
      Contradictions.refuseExcluded(where, any.get(i), not);
    }
  }

  /** Each way to match must lead over an owner selector; what may not hold keeps nobody out. */
  private static void checkOwner(List<Selector> selectors, List<List<Selector>> any)
      throws RegistrationException {
    if (selectors.stream().anyMatch(Selector::owner)) {
      return;
    }
    for (int i = 0; i < any.size(); i++) {
      if (any.get(i).stream().noneMatch(Selector::owner)) {
        throw weak("any: list " + (i + 1) + " has none, nor has selectors,");
      }
    }
    if (any.isEmpty()) {
      throw weak("selectors: there is none");
    }
  }

  private static RegistrationException weak(String what) {
    return new RegistrationException(
        "weak-registration",
        what
            + " that keeps another local user out; add one of unix:user:NAME, unix:uid:N,"
            + " systemd:unit:NAME, container:name:NAME, container:image-digest:sha256:HEX");
  }
}
