package dev.vouchsafe.keys;

import java.math.BigInteger;
import java.security.spec.ECFieldFp;
import java.security.spec.ECParameterSpec;
import java.util.Optional;

/**
 * Recognises P-256 and P-384 by their whole domain parameters (FIPS 186-5), since a size alone also
 * fits curves that somebody made up.
 */
final class NamedCurves {
  private static final BigInteger P256_P =
      hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
  private static final BigInteger P256_B =
      hex("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");
  private static final BigInteger P256_GX =
      hex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
  private static final BigInteger P256_N =
      hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  private static final BigInteger P384_P =
      hex(
          "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe"
              + "ffffffff0000000000000000ffffffff");
  private static final BigInteger P384_B =
      hex(
          "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875a"
              + "c656398d8a2ed19d2a85c8edd3ec2aef");
  private static final BigInteger P384_GX =
      hex(
          "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38"
              + "5502f25dbf55296c3a545e3872760ab7");
  private static final BigInteger P384_N =
      hex(
          "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
              + "581a0db248b0a77aecec196accc52973");

  private NamedCurves() {}

  static Optional<KeyType> typeOf(ECParameterSpec spec) {
    if (is(spec, P256_P, P256_B, P256_GX, P256_N)) {
      return Optional.of(KeyType.EC_P256);
    }
    if (is(spec, P384_P, P384_B, P384_GX, P384_N)) {
      return Optional.of(KeyType.EC_P384);
    }
    return Optional.empty();
  }

  /** How many points the base point makes. */
  static BigInteger orderOf(KeyType type) {
    return switch (type) {
      case EC_P256 -> P256_N;
      case EC_P384 -> P384_N;
      case RSA_2048, RSA_3072, RSA_4096 ->
          throw new IllegalArgumentException(type.text() + " is no curve");
    };
  }

  private static boolean is(
      ECParameterSpec spec, BigInteger p, BigInteger b, BigInteger gx, BigInteger n) {
    return spec.getCurve().getField() instanceof ECFieldFp field
        && field.getP().equals(p)
        && spec.getCurve().getA().mod(p).equals(p.subtract(BigInteger.valueOf(3)))
        && spec.getCurve().getB().equals(b)
        && spec.getGenerator().getAffineX().equals(gx)
        && spec.getOrder().equals(n)
        && spec.getCofactor() == 1;
  }

  private static BigInteger hex(String digits) {
    return new BigInteger(digits, 16);
  }
}
