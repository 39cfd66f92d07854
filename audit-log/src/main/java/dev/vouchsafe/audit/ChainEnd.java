package dev.vouchsafe.audit;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Where a chain stands: what its next line must say.
 *
 * @param next sequence number of the next line
 * @param hash SHA-256 of the line before it, with its line feed, in lower-case hex
 */
record ChainEnd(long next, String hash) {
  private static final String ZEROS = "0".repeat(64);

  /** Before the first line of a log. */
  static final ChainEnd START = new ChainEnd(0, ZEROS);

  /** Where the chain stands after that line. */
  static ChainEnd after(long sequence, byte[] line) {
    return new ChainEnd(sequence + 1, sha256(line));
  }

  /** Whether that entry is the next one. */
  boolean takes(AuditEntry entry) {
    return entry.sequence() == next && entry.before().equals(hash);
  }

  static String sha256(byte[] octets) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(octets));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
