package dev.vouchsafe.audit;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.time.Instant;
import java.util.Base64;

/**
 * What a checkpoint says, and its text: a JSON Web Signature with ES256 (RFC 7515 section 7.1, RFC
 * 7518 section 3.4).
 *
 * <p>Its header is always the same for one key, and is compared as a whole, so that no text can
 * choose how it is verified.
 *
 * @param end the end of the chain that it signs: all lines before {@code end.next()}
 * @param from where the chain begins that is still kept: older lines were removed by the log
 * @param time when it was signed
 */
record CheckpointText(ChainEnd end, ChainEnd from, Instant time) {
  static final String ALGORITHM = "SHA256withECDSAinP1363Format";
  private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();
  private static final int LONGEST = 2048;

  /** Signs it. */
  String sign(AuditKeys.Signer signer, ECPublicKey key) throws AuditUnavailableException {
    String input = header(key) + '.' + base64(payload());
    return input
        + '.'
        + ENCODER.encodeToString(signer.sign(input.getBytes(StandardCharsets.US_ASCII)));
  }

  /**
   * Reads a text and checks its signature.
   *
   * @throws BadLineException if that key didn't sign it
   */
  static CheckpointText verify(String jws, ECPublicKey key) throws BadLineException {
    String[] parts = jws.split("\\.", -1);
    if (jws.length() > LONGEST || parts.length != 3) {
      throw new BadLineException("the checkpoint is not a compact JSON Web Signature");
    }
    if (!parts[0].equals(header(key))) {
      throw new BadLineException("the checkpoint is signed by another key");
    }
    try {
      Signature signature = Signature.getInstance(ALGORITHM);
      signature.initVerify(key);
      signature.update((parts[0] + '.' + parts[1]).getBytes(StandardCharsets.US_ASCII));
      if (!signature.verify(octets(parts[2]))) {
        throw new BadLineException("the signature of the checkpoint is wrong");
      }
    } catch (GeneralSecurityException e) {
      throw new BadLineException("the signature of the checkpoint is none");
    }
    return parse(parts[1]);
  }

  private static CheckpointText parse(String payload) throws BadLineException {
    JsonNode root = LineParser.tree(new String(octets(payload), StandardCharsets.US_ASCII));
    CheckpointText read =
        new CheckpointText(
            end(root, "next", "hash"),
            end(root, "from", "fromHash"),
            LineParser.time(root, "time"));
    if (!base64(read.payload()).equals(payload)) {
      throw new BadLineException("the checkpoint says more than a checkpoint does");
    }
    return read;
  }

  private static ChainEnd end(JsonNode root, String number, String hash) throws BadLineException {
    return new ChainEnd(LineParser.number(root, number), LineParser.text(root, hash));
  }

  /** One text for each checkpoint. */
  private String payload() {
    return "{\"next\":"
        + end.next()
        + ",\"hash\":\""
        + end.hash()
        + "\",\"from\":"
        + from.next()
        + ",\"fromHash\":\""
        + from.hash()
        + "\",\"time\":\""
        + LineFormat.time(time)
        + "\"}";
  }

  private static String header(ECPublicKey key) {
    return base64(
        "{\"alg\":\"ES256\",\"typ\":\"vouchsafe-audit\",\"kid\":\""
            + AuditKeys.fingerprint(key)
            + "\"}");
  }

  private static String base64(String text) {
    return ENCODER.encodeToString(text.getBytes(StandardCharsets.US_ASCII));
  }

  /** Refuses what encodes the same octets in another way. */
  private static byte[] octets(String text) throws BadLineException {
    try {
      byte[] octets = Base64.getUrlDecoder().decode(text);
      if (!ENCODER.encodeToString(octets).equals(text)) {
        throw new BadLineException("the checkpoint is not in base64url");
      }
      return octets;
    } catch (IllegalArgumentException e) {
      throw new BadLineException("the checkpoint is not in base64url");
    }
  }
}
