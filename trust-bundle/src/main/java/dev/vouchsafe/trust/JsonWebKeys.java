package dev.vouchsafe.trust;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.util.Arrays;
import java.util.Base64;

/**
 * Roots as JSON Web Keys (RFC 7517, RFC 7518 section 6), the way X509-SVID section 6.2 wants them:
 * {@code use} is {@code x509-svid}, {@code x5c} has exactly one certificate, and there is no {@code
 * kid}.
 */
final class JsonWebKeys {
  /** Names in RFC 7518 section 6.2.1.1 and in the JCA. */
  private static final String[][] CURVES = {
    {"P-256", "secp256r1"}, {"P-384", "secp384r1"}, {"P-521", "secp521r1"}
  };

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
        .put("crv", curve(root, ec.getParams()))
        .put("x", unsigned(ec.getW().getAffineX(), octets))
        .put("y", unsigned(ec.getW().getAffineY(), octets));
  }

  /** By its whole parameters, since a size fits many curves. */
  private static String curve(X509Certificate root, ECParameterSpec parameters) {
    for (String[] curve : CURVES) {
      ECParameterSpec standard = standard(curve[1]);
      if (standard.getCurve().equals(parameters.getCurve())
          && standard.getGenerator().equals(parameters.getGenerator())
          && standard.getOrder().equals(parameters.getOrder())
          && standard.getCofactor() == parameters.getCofactor()) {
        return curve[0];
      }
    }
    throw unsupported(root);
  }

  private static ECParameterSpec standard(String name) {
    try {
      AlgorithmParameters named = AlgorithmParameters.getInstance("EC");
      named.init(new ECGenParameterSpec(name));
      return named.getParameterSpec(ECParameterSpec.class);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime has no curve " + name, e);
    }
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
