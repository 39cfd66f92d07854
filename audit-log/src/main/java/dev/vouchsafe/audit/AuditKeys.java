package dev.vouchsafe.audit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.Optional;

/** The public half of the audit key, as a file and as a fingerprint. */
public final class AuditKeys {
  /** The file in the folder of the log. */
  public static final String FILE = "audit-key.pem";

  private static final String BEGIN = "-----BEGIN PUBLIC KEY-----";
  private static final String END = "-----END PUBLIC KEY-----";
  private static final int LARGEST_FILE = 4096;
  private static final int P256_BITS = 256;

  private AuditKeys() {}

  /** SHA-256 of SubjectPublicKeyInfo in DER (RFC 5280 section 4.1), in lower-case hex. */
  public static String fingerprint(ECPublicKey key) {
    return ChainEnd.sha256(key.getEncoded());
  }

  /** The key in PEM (RFC 7468 section 13). */
  static String pem(ECPublicKey key) {
    Base64.Encoder encoder = Base64.getMimeEncoder(64, new byte[] {'\n'});
    return BEGIN + "\n" + encoder.encodeToString(key.getEncoded()) + "\n" + END + "\n";
  }

  /**
   * Reads a key in PEM.
   *
   * @throws IOException if the file isn't there, or holds no key on P-256
   */
  public static ECPublicKey read(Path file) throws IOException {
    if (Files.size(file) > LARGEST_FILE) {
      throw new IOException(file + " is too large for a public key");
    }
    String text = new String(Files.readAllBytes(file), StandardCharsets.US_ASCII).strip();
    if (!text.startsWith(BEGIN + "\n") || !text.endsWith("\n" + END)) {
      throw new IOException(file + " is not a public key in PEM");
    }
    try {
      String body = text.substring(BEGIN.length(), text.length() - END.length());
      PublicKey read =
          KeyFactory.getInstance("EC")
              .generatePublic(new X509EncodedKeySpec(Base64.getMimeDecoder().decode(body)));
      if (read instanceof ECPublicKey key
          && key.getParams().getCurve().getField().getFieldSize() == P256_BITS) {
        return key;
      }
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new IOException(file + " is not a public key on P-256", e);
    }
    throw new IOException(file + " is not a public key on P-256");
  }

  /**
   * The audit key, which signs checkpoints and nothing else. Whoever wires the program gives one;
   * this module holds no private key.
   */
  public interface Signer {
    /** The public half, on P-256; empty as long as there is none. */
    Optional<ECPublicKey> publicKey();

    /**
     * Signs with ECDSA and SHA-256 (ES256, RFC 7518 section 3.4).
     *
     * @param octets what is signed, not a digest of it
     * @return r and s, 32 octets each
     * @throws AuditUnavailableException if the key can't be used now
     */
    byte[] sign(byte[] octets) throws AuditUnavailableException;
  }
}
