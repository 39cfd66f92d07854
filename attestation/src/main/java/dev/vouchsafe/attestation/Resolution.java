package dev.vouchsafe.attestation;

/** What is known of an account's name. */
sealed interface Resolution {
  /** There is such an account. */
  record Id(long id) implements Resolution {}

  /** There is certainly none. */
  record Absent() implements Resolution {}

  /** It can't be told now. */
  record Unknown(String why) implements Resolution {}
}
