package dev.vouchsafe.keys;

import dev.vouchsafe.keys.KeyStoreFinding.Outcome;
import java.util.ArrayList;
import java.util.List;

/** What was found so far while a key store is examined, in the order in which it was looked at. */
final class Findings {
  private final List<KeyStoreFinding> found = new ArrayList<>();

  /** All is well with that. */
  void ok(String subject, String detail) {
    add(Outcome.OK, subject, detail, "");
  }

  /** It works, and a person should know about it. */
  void warning(String subject, String detail, String remedy) {
    add(Outcome.WARNING, subject, detail, remedy);
  }

  /** It doesn't work. */
  void fault(String subject, KeyFault fault, String remedy) {
    Outcome outcome = fault instanceof KeyFault.Unavailable ? Outcome.UNAVAILABLE : Outcome.FAILED;
    add(outcome, subject, String.valueOf(fault.getMessage()), remedy);
  }

  private synchronized void add(Outcome outcome, String subject, String detail, String remedy) {
    found.add(new KeyStoreFinding(outcome, subject, detail, remedy));
  }

  /** What is looked at, which may turn out not to work. */
  interface Look {
    /** What was seen. */
    String look() throws KeyFault;
  }

  /**
   * Looks, and notes what was seen.
   *
   * @param remedy what to change if it doesn't work
   * @return whether it works
   */
  boolean step(String subject, String remedy, Look look) {
    try {
      ok(subject, look.look());
      return true;
    } catch (KeyFault fault) {
      fault(subject, fault, remedy);
      return false;
    }
  }

  synchronized List<KeyStoreFinding> all() {
    return List.copyOf(found);
  }
}
