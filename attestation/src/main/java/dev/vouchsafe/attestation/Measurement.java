package dev.vouchsafe.attestation;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One caller against the selectors of one registration: what must hold, its alternatives, and what
 * may not hold.
 *
 * <p>Measured in passes, from what costs microseconds over what somebody outside must be asked for
 * to the content of files, whatever the order in the registration, so that a stranger can't make us
 * work: a pass goes only over what can still change the verdict.
 *
 * <p>Every way to match (selectors alone, or with one alternative) that says nothing of a container
 * means processes of the host.
 */
final class Measurement {
  private static final Finding NOT_MEASURED =
      new Finding(
          SelectorResult.Outcome.UNAVAILABLE,
          "not measured, since something else decides already",
          null,
          false);
  private static final Finding IN_CONTAINER =
      Finding.undecidable(
          "inside a container path and hash say nothing; name its image with"
              + " container:image-digest");

  /** Measures one selector. */
  interface Check {
    Finding check(Selector selector);

    /** What can be said of a selector that is asked for outside without asking; null if nothing. */
    default @Nullable Finding withoutAsking(Selector selector) {
      return null;
    }
  }

  /** Tells processes of the host from others. */
  interface HostRule {
    /**
     * Why the caller isn't a process of the host; null if it is one.
     *
     * @param namedByUnit whether it must be in a certain unit, which may have a mount namespace of
     *     its own
     */
    @Nullable Doubt doubt(boolean namedByUnit);
  }

  /** Selectors that stand together in a registration. */
  private static final class Part {
    final String name;
    final List<Selector> selectors;
    final @Nullable Finding[] findings;

    /** Of all that was measured so far; null if nothing is against it. */
    @Nullable Doubt doubt;

    boolean container;
    boolean unit;

    Part(String name, List<Selector> selectors) {
      this.name = name;
      this.selectors = selectors;
      this.findings = new Finding[selectors.size()];
      for (Selector selector : selectors) {
        container |= Contradictions.inContainer(selector);
        unit |= Registration.ofUnit(selector);
      }
    }

    boolean ruledOut() {
      return doubt != null && doubt.definite();
    }
  }

  private final Check check;
  private final HostRule host;
  private final Part selectors;
  private final List<Part> any;
  private final Part not;

  /** Whether a caller in a container can match. */
  private final boolean container;

  /** Whether something was asked for that may have taken long. */
  private boolean slow;

  private boolean thorough;

  Measurement(Check check, HostRule host, Registration registration) {
    this.check = check;
    this.host = host;
    this.selectors = new Part(SelectorResult.SELECTORS, registration.selectors());
    this.any = new ArrayList<>(registration.any().size());
    for (int i = 0; i < registration.any().size(); i++) {
      any.add(new Part(SelectorResult.ANY + (i + 1), registration.any().get(i)));
    }
    this.not = new Part(SelectorResult.NOT, registration.not());
    this.container = selectors.container || any.stream().anyMatch(part -> part.container);
  }

  /**
   * Measures.
   *
   * @param before what is in doubt already
   * @return null if the caller matches
   */
  @Nullable Doubt run(@Nullable Doubt before) {
    selectors.doubt = before;
    pass(Cost.LOCAL);
    withoutAsking();
    if (!ruledOut()) {
      hosts();
    }
    pass(Cost.ASKED);
    pass(Cost.CONTENT);
    return verdict();
  }

  /** Measures everything, also what can't change the verdict any more. */
  void thorough() {
    thorough = true;
  }

  /** Whether it may have taken long, so that what was compared before must be compared again. */
  boolean slow() {
    return slow;
  }

  /** What was found of each selector, in the order of the registration. */
  List<SelectorResult> results() {
    List<SelectorResult> results = new ArrayList<>();
    add(results, selectors);
    any.forEach(part -> add(results, part));
    add(results, not);
    return results;
  }

  private static void add(List<SelectorResult> results, Part part) {
    for (int i = 0; i < part.findings.length; i++) {
      Finding finding = part.findings[i];
      results.add(
          (finding == null ? NOT_MEASURED : finding)
              .result(part.selectors.get(i).text(), part.name));
    }
  }

  private void pass(Cost cost) {
    measure(selectors, cost);
    measureNot(cost);
    for (Part part : any) {
      measure(part, cost);
    }
  }

  /** What the caller's cgroup rules out by itself. */
  private void withoutAsking() {
    withoutAsking(selectors);
    any.forEach(this::withoutAsking);
    withoutAsking(not);
  }

  private void withoutAsking(Part part) {
    for (int i = 0; i < part.findings.length; i++) {
      Selector selector = part.selectors.get(i);
      if (part.findings[i] == null && Cost.of(selector) == Cost.ASKED) {
        Finding finding = check.withoutAsking(selector);
        if (finding != null) {
          found(part, i, finding);
        }
      }
    }
  }

  private void found(Part part, int index, Finding finding) {
    part.findings[index] = finding;
    String text = part.selectors.get(index).text();
    part.doubt =
        Doubt.worse(part.doubt, part == not ? excluded(text, finding) : doubt(text, finding));
  }

  private void measure(Part part, Cost cost) {
    for (int i = 0; i < part.findings.length; i++) {
      Selector selector = part.selectors.get(i);
      if (part.findings[i] != null || Cost.of(selector) != cost) {
        continue;
      }
      // What is cheap is measured whatever the rest says, for the administrator to see.
      if (!thorough
          && cost != Cost.LOCAL
          && (ruledOut() || part.ruledOut() || settledByAnother(part))) {
        return;
      }
      boolean inContainer = selectors.container || part.container;
      Finding finding =
          inContainer && Contradictions.ofProgram(selector) ? IN_CONTAINER : found(selector, cost);
      found(part, i, finding);
    }
  }

  /** An alternative that holds needs no other. */
  private boolean settledByAnother(Part part) {
    for (Part other : any) {
      if (other != part && other.doubt == null && whole(other) && part != selectors) {
        return true;
      }
    }
    return false;
  }

  private static boolean whole(Part part) {
    for (Finding finding : part.findings) {
      if (finding == null) {
        return false;
      }
    }
    return true;
  }

  private void measureNot(Cost cost) {
    for (int i = 0; i < not.findings.length; i++) {
      Selector selector = not.selectors.get(i);
      if (not.findings[i] != null
          || Cost.of(selector) != cost
          || (!thorough && cost != Cost.LOCAL && ruledOut())) {
        continue;
      }
      Finding finding =
          container && Contradictions.ofProgram(selector) ? IN_CONTAINER : found(selector, cost);
      found(not, i, finding);
    }
  }

  private Finding found(Selector selector, Cost cost) {
    slow |= cost != Cost.LOCAL;
    return check.check(selector);
  }

  /** What can't be seen matters only to somebody who could be the module at all. */
  private void hosts() {
    if (selectors.container) {
      return;
    }
    if (any.isEmpty()) {
      selectors.doubt = Doubt.worse(selectors.doubt, host.doubt(selectors.unit));
      return;
    }
    for (Part part : any) {
      if (!part.container && !part.ruledOut()) {
        part.doubt = Doubt.worse(part.doubt, host.doubt(selectors.unit || part.unit));
      }
    }
  }

  private boolean ruledOut() {
    Doubt now = verdict();
    return now != null && now.definite();
  }

  private @Nullable Doubt verdict() {
    return Doubt.worse(Doubt.worse(selectors.doubt, alternatives()), not.doubt);
  }

  /** Of the alternatives the one that comes nearest counts. */
  private @Nullable Doubt alternatives() {
    Doubt nearest = null;
    for (Part part : any) {
      if (part.doubt == null) {
        return null;
      }
      if (nearest == null || (nearest.definite() && !part.doubt.definite())) {
        nearest = part.doubt;
      }
    }
    if (nearest == null || !nearest.definite() || any.size() == 1) {
      return nearest;
    }
    return Doubt.refused(
        "selector-mismatch", "none of the lists of any holds; the first: " + nearest.detail());
  }

  private static @Nullable Doubt doubt(String wanted, Finding finding) {
    String detail = wanted + ": " + finding.measured();
    return switch (finding.outcome()) {
      case HOLDS -> null;
      case DOES_NOT_HOLD ->
          Doubt.refused(finding.code() == null ? "selector-mismatch" : finding.code(), detail);
      case UNAVAILABLE ->
          Doubt.unavailable(finding.code() == null ? "measurement-denied" : finding.code(), detail);
    };
  }

  private static @Nullable Doubt excluded(String unwanted, Finding finding) {
    return switch (finding.outcome()) {
      case HOLDS ->
          Doubt.refused("selector-mismatch", "not " + unwanted + ": " + finding.measured());
      case DOES_NOT_HOLD ->
          // Nobody is let in by what can't be told of him.
          finding.undecidable()
              ? Doubt.refused(
                  "selector-mismatch",
                  "not " + unwanted + ": can't be told of this caller: " + finding.measured())
              : null;
      case UNAVAILABLE -> doubt("not " + unwanted, finding);
    };
  }

  /** What measuring a selector takes. */
  private enum Cost {
    /** A comparison, or a look at /proc. */
    LOCAL,
    /** A container engine, the system manager: half a second of waiting at most. */
    ASKED,
    /** A file's content, which the caller chose the length of. */
    CONTENT;

    static Cost of(Selector selector) {
      return switch (selector) {
        case Selector.Uid _,
            Selector.User _,
            Selector.Gid _,
            Selector.Group _,
            Selector.SupplementaryGroup _,
            Selector.Path _ ->
            LOCAL;
        case Selector.Sha256 _, Selector.ScriptSha256 _ -> CONTENT;
        default -> ASKED;
      };
    }
  }
}
