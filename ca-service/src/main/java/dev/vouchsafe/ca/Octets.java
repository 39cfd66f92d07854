package dev.vouchsafe.ca;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/** Hashes and hexadecimal text of octets, as certificates and the ledger use them. */
final class Octets {
  private static final HexFormat HEX = HexFormat.of();
  private static final int KEY_ID_LENGTH = 20;

  private Octets() {}

  static byte[] sha256(byte[] octets) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(octets);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /**
   * The key identifier: the leftmost 160 bits of the SHA-256 of the subjectPublicKey's octets (RFC
   * 7093 section 2, method 1).
   */
  static byte[] keyId(SubjectPublicKeyInfo key) {
    return Arrays.copyOf(sha256(key.getPublicKeyData().getOctets()), KEY_ID_LENGTH);
  }

  static String hex(byte[] octets) {
    return HEX.formatHex(octets);
  }

  /** The octets of lower-case hexadecimal text, or nothing if it isn't that. */
  static Optional<byte[]> unhex(String text) {
    if (text.length() % 2 != 0) {
      return Optional.empty();
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) {
        return Optional.empty();
      }
    }
    return Optional.of(HEX.parseHex(text));
  }
}
