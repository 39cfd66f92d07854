package dev.vouchsafe.ca;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** The textual encoding of certificates, keys and requests (RFC 7468). */
final class Pem {
  private static final Base64.Encoder LINES =
      Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII));
  private static final String BEGIN = "-----BEGIN ";
  private static final String END = "-----END ";
  private static final String DASHES = "-----";

  private Pem() {}

  static String certificate(byte[] der) {
    return encode("CERTIFICATE", der);
  }

  static String request(byte[] der) {
    return encode("CERTIFICATE REQUEST", der);
  }

  static String privateKey(byte[] pkcs8) {
    return encode("PRIVATE KEY", pkcs8);
  }

  private static String encode(String label, byte[] der) {
    return BEGIN
        + label
        + DASHES
        + "\n"
        + new String(LINES.encode(der), StandardCharsets.US_ASCII)
        + "\n"
        + END
        + label
        + DASHES
        + "\n";
  }

  /**
   * The content of the one block in a text, if it has one of these labels. Text before the block is
   * allowed (RFC 7468 section 2), a second block or text after it isn't.
   */
  static Optional<byte[]> decodeOnly(String text, List<String> labels) {
    for (String label : labels) {
      String begin = BEGIN + label + DASHES;
      int start = text.indexOf(begin);
      if (start >= 0) {
        return decodeBlock(text.substring(start + begin.length()), END + label + DASHES);
      }
    }
    return Optional.empty();
  }

  private static Optional<byte[]> decodeBlock(String rest, String endLine) {
    int end = rest.indexOf(endLine);
    if (end < 0 || !rest.substring(end + endLine.length()).isBlank()) {
      return Optional.empty();
    }
    StringBuilder digits = new StringBuilder(end);
    for (int i = 0; i < end; i++) {
      char c = rest.charAt(i);
      if (c != '\n' && c != '\r' && c != ' ' && c != '\t') {
        digits.append(c);
      }
    }
    try {
      byte[] content = Base64.getDecoder().decode(digits.toString());
      return content.length == 0 ? Optional.empty() : Optional.of(content);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
