package dev.vouchsafe.trust;

import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.EdECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.util.Optional;

/** Which keys are strong enough for a CA that is trusted, and which curve one is on. */
final class KeyStrength {
  private static final int LEAST_RSA_BITS = 2048;

  /** More takes a verifier longer than it takes an attacker to ask for it. */
  private static final int MOST_RSA_BITS = 16_384;

  /** Names in RFC 7518 section 6.2.1.1 and in the JCA. */
  private static final String[][] CURVES = {
    {"P-256", "secp256r1"}, {"P-384", "secp384r1"}, {"P-521", "secp521r1"}
  };

  private KeyStrength() {}

  static boolean isEnough(PublicKey key) {
    return switch (key) {
      case RSAPublicKey rsa ->
          rsa.getModulus().bitLength() >= LEAST_RSA_BITS
              && rsa.getModulus().bitLength() <= MOST_RSA_BITS
              && rsa.getModulus().testBit(0)
              && rsa.getPublicExponent().bitLength() > 1
              && rsa.getPublicExponent().testBit(0);
      case ECPublicKey ec -> curve(ec.getParams()).isPresent();
      case EdECPublicKey _ -> true;
      default -> false;
    };
  }

  /** The curve's name in a JSON Web Key, by its whole parameters, since a size fits many curves. */
  static Optional<String> curve(ECParameterSpec parameters) {
    for (String[] curve : CURVES) {
      ECParameterSpec standard = standard(curve[1]);
      if (standard.getCurve().equals(parameters.getCurve())
          && standard.getGenerator().equals(parameters.getGenerator())
          && standard.getOrder().equals(parameters.getOrder())
          && standard.getCofactor() == parameters.getCofactor()) {
        return Optional.of(curve[0]);
      }
    }
    return Optional.empty();
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
}
