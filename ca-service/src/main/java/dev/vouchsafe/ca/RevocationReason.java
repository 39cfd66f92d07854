package dev.vouchsafe.ca;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Why a certificate is revoked (RFC 5280 section 5.3.1). Without the two that take a revocation
 * back: one is for ever.
 */
public enum RevocationReason {
  UNSPECIFIED("unspecified", 0),
  KEY_COMPROMISE("keyCompromise", 1),
  CA_COMPROMISE("cACompromise", 2),
  AFFILIATION_CHANGED("affiliationChanged", 3),
  SUPERSEDED("superseded", 4),
  CESSATION_OF_OPERATION("cessationOfOperation", 5),
  PRIVILEGE_WITHDRAWN("privilegeWithdrawn", 9);

  private final String text;
  private final int code;

  RevocationReason(String text, int code) {
    this.text = text;
    this.code = code;
  }

  /** The word of RFC 5280. */
  public String text() {
    return text;
  }

  /** The number of RFC 5280, by which lists and the ledger know it. */
  public int code() {
    return code;
  }

  /** The reason of that word, just as RFC 5280 spells it. */
  public static Optional<RevocationReason> parse(String text) {
    return Arrays.stream(values()).filter(reason -> reason.text.equals(text)).findFirst();
  }

  /** All words, for messages. */
  public static String words() {
    return Arrays.stream(values()).map(RevocationReason::text).collect(Collectors.joining(", "));
  }

  /** The reason of a number; what a later release wrote counts as {@link #UNSPECIFIED}. */
  static RevocationReason of(int code) {
    return Arrays.stream(values())
        .filter(reason -> reason.code == code)
        .findFirst()
        .orElse(UNSPECIFIED);
  }
}
