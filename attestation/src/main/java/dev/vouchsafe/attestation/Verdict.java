package dev.vouchsafe.attestation;

import java.util.List;

/** The outcome of attestation. Refused is definite; unavailable may pass. */
public sealed interface Verdict {
  /** What was measured, selector by selector; for the administrator only. */
  List<SelectorResult> results();

  /** Every selector of that registration holds for the caller. */
  record Attested(Registration registration, List<SelectorResult> results) implements Verdict {
    public Attested {
      results = List.copyOf(results);
    }
  }

  /**
   * The caller is not that module.
   *
   * @param reason a stable code, such as {@code selector-mismatch}, {@code caller-gone}, {@code
   *     caller-changed}, {@code executable-replaced}
   * @param detail one sentence for the log; a caller learns only that it was refused
   */
  record Refused(String reason, String detail, List<SelectorResult> results) implements Verdict {
    public Refused {
      results = List.copyOf(results);
    }
  }

  /**
   * It could not be measured now.
   *
   * @param reason a stable code, such as {@code measurement-timeout}, {@code measurement-denied}
   * @param detail one sentence for the log
   */
  record Unavailable(String reason, String detail, List<SelectorResult> results)
      implements Verdict {
    public Unavailable {
      results = List.copyOf(results);
    }
  }
}
