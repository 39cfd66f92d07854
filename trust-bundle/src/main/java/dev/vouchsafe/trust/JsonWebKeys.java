package dev.vouchsafe.trust;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.Arrays;
import java.util.Base64;

/**
 * Roots as JSON Web Keys (RFC 7517, RFC 7518 section 6), the way X509-SVID section 6.2 wants them:
 * {@code use} is {@code x509-svid}, {@code x5c} has exactly one certificate, and there is no {@code
 * kid}.
 */
final class JsonWebKeys {
  private JsonWebKeys() {}

  /**
   * @throws IllegalArgumentException if the key can't be said as a JSON Web Key here
   */
  static void requireSupported(X509Certificate root) {
    key(root);
  }

  static ObjectNode key(X509Certificate root) {
    ObjectNode key = JsonNodeFactory.instance.objectNode();
    key.put("use", "x509-svid");
    switch (root.getPublicKey()) {
      case ECPublicKey ec -> addEc(key, root, ec);
      case RSAPublicKey rsa ->
          key.put("kty", "RSA")
              .put("n", unsigned(rsa.getModulus(), 0))
              .put("e", unsigned(rsa.getPublicExponent(), 0));
      default -> throw unsupported(root);
    }
    try {
      key.putArray("x5c").add(Base64.getEncoder().encodeToString(root.getEncoded()));
    } catch (CertificateEncodingException e) {
      throw new IllegalArgumentException(root.getSubjectX500Principal() + " has no encoding", e);
    }
    return key;
  }

  private static void addEc(ObjectNode key, X509Certificate root, ECPublicKey ec) {
    int octets = (ec.getParams().getCurve().getField().getFieldSize() + 7) / 8;
    key.put("kty", "EC")
        .put("crv", KeyStrength.curve(ec.getParams()).orElseThrow(() -> unsupported(root)))
        .put("x", unsigned(ec.getW().getAffineX(), octets))
        .put("y", unsigned(ec.getW().getAffineY(), octets));
  }

  private static IllegalArgumentException unsupported(X509Certificate root) {
    return new IllegalArgumentException(
        root.getSubjectX500Principal()
            + " has a key that a trust bundle can't hold: EC (P-256, P-384, P-521) and RSA can be");
  }

  /** Base64urlUInt of RFC 7518 section 2, or, with a length, the octet string of a coordinate. */
  static String unsigned(BigInteger value, int length) {
    byte[] signed = value.toByteArray();
    byte[] least =
        signed.length > 1 && signed[0] == 0 ? Arrays.copyOfRange(signed, 1, signed.length) : signed;
    byte[] octets = least;
    if (least.length < length) {
      octets = new byte[length];
      System.arraycopy(least, 0, octets, length - least.length, least.length);
    }
    return Base64.getUrlEncoder().withoutPadding().encodeToString(octets);
  }
}
