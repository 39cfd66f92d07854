package dev.vouchsafe.keys;

/**
 * One thing that was looked at while a key store was examined.
 *
 * @param outcome what was found
 * @param subject what was looked at, such as {@code library} or {@code PIN}
 * @param detail what was seen, for people; never a secret
 * @param remedy the setting or file to change; empty where nothing is wrong
 */
public record KeyStoreFinding(Outcome outcome, String subject, String detail, String remedy) {
  /** How it stands. */
  public enum Outcome {
    OK,
    WARNING,
    /** May pass: the store is away or busy. */
    UNAVAILABLE,
    FAILED
  }
}
