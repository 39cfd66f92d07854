package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.util.Arrays;
import java.util.HexFormat;

/** What the lints of leaves and of authorities have in common; they share nothing with builders. */
final class Lint {
  private Lint() {}

  /** Stops the certificate with {@link Reason#LINT} unless that holds. */
  static void require(boolean holds, String otherwise) throws IssuanceException {
    if (!holds) {
      throw broken(otherwise);
    }
  }

  static IssuanceException broken(String rule) {
    return new IssuanceException(Reason.LINT, "lint: " + rule);
  }

  static byte[] concat(byte[] head, byte[] tail) {
    byte[] both = Arrays.copyOf(head, head.length + tail.length);
    System.arraycopy(tail, 0, both, head.length, tail.length);
    return both;
  }

  /** The extension value with that key identifier, of at most 64 octets (RFC 5280 4.2.1.1). */
  static byte[] authorityKeyIdentifier(byte[] keyId) {
    byte[] head = {0x30, (byte) (keyId.length + 2), (byte) 0x80, (byte) keyId.length};
    return concat(head, keyId);
  }

  /** The octets that those hexadecimal digits stand for. */
  static byte[] octets(String hex) {
    return HexFormat.of().parseHex(hex);
  }
}
