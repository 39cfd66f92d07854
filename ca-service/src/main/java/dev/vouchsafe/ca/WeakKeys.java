package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.math.BigInteger;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECFieldFp;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Refuses public keys whose private key others can find.
 *
 * <ul>
 *   <li>EC: a point that is not on its curve (NIST SP 800-56A rev. 3, section 5.6.2.3.4; both
 *       curves have cofactor 1, so that being on the curve is enough).
 *   <li>RSA: an exponent outside FIPS 186-5 section A.1.1 (odd, over 2^16, under 2^256); a modulus
 *       with a factor under 752; one made by Infineon's flawed library (ROCA, CVE-2017-15361: Nemec
 *       et al., "The Return of Coppersmith's Attack", CCS 2017, section 4.1); one whose two primes
 *       are so near that Fermat's method finds them in 100 steps (CVE-2022-26320).
 * </ul>
 */
final class WeakKeys {
  private static final int SMALL_PRIMES_UNDER = 752;
  private static final int ROCA_PRIMES_UNDER = 168;
  private static final int FERMAT_STEPS = 100;
  private static final int MOST_EXPONENT_BITS = 256;
  private static final BigInteger LEAST_EXPONENT = BigInteger.valueOf(65537);
  private static final BigInteger SMALL_PRIMES_PRODUCT = product(primesUnder(SMALL_PRIMES_UNDER));
  private static final List<Fingerprint> ROCA = fingerprints();

  /** The residues modulo a prime that powers of 65537 reach; flawed moduli have no others. */
  private record Fingerprint(BigInteger prime, BitSet residues) {
    boolean matches(BigInteger modulus) {
      return residues.get(modulus.mod(prime).intValue());
    }
  }

  private WeakKeys() {}

  static void check(ECPublicKey key) throws IssuanceException {
    ECParameterSpec spec = key.getParams();
    if (key.getW().equals(ECPoint.POINT_INFINITY)
        || !(spec.getCurve().getField() instanceof ECFieldFp field)) {
      throw weak("the key is not a point on its curve");
    }
    BigInteger p = field.getP();
    BigInteger x = key.getW().getAffineX();
    BigInteger y = key.getW().getAffineY();
    BigInteger right =
        x.multiply(x).add(spec.getCurve().getA()).multiply(x).add(spec.getCurve().getB()).mod(p);
    if (x.signum() < 0
        || y.signum() < 0
        || x.compareTo(p) >= 0
        || y.compareTo(p) >= 0
        || !y.multiply(y).mod(p).equals(right)) {
      throw weak("the key is not a point on its curve");
    }
  }

  static void check(RSAPublicKey key) throws IssuanceException {
    BigInteger exponent = key.getPublicExponent();
    if (!exponent.testBit(0)
        || exponent.compareTo(LEAST_EXPONENT) < 0
        || exponent.bitLength() > MOST_EXPONENT_BITS) {
      throw weak("the RSA exponent is even, under 65537, or over 256 bits");
    }
    BigInteger modulus = key.getModulus();
    if (!modulus.gcd(SMALL_PRIMES_PRODUCT).equals(BigInteger.ONE)) {
      throw weak("the RSA modulus has a small factor");
    }
    if (ROCA.stream().allMatch(fingerprint -> fingerprint.matches(modulus))) {
      throw weak("the RSA modulus bears the fingerprint of CVE-2017-15361 (ROCA)");
    }
    if (hasNearFactors(modulus)) {
      throw weak("the RSA modulus has two factors that lie close together");
    }
  }

  /** Fermat's method: from the square root on, look for an a with a square minus n a square. */
  private static boolean hasNearFactors(BigInteger modulus) {
    BigInteger a = modulus.sqrt();
    if (a.multiply(a).equals(modulus)) {
      return true;
    }
    for (int step = 0; step < FERMAT_STEPS; step++) {
      a = a.add(BigInteger.ONE);
      if (isSquare(a.multiply(a).subtract(modulus))) {
        return true;
      }
    }
    return false;
  }

  private static boolean isSquare(BigInteger number) {
    // Squares end in 0, 1, 4 or 9 modulo 16: three quarters of the costly roots are not taken.
    int end = number.intValue() & 0xf;
    if (end != 0 && end != 1 && end != 4 && end != 9) {
      return false;
    }
    BigInteger root = number.sqrt();
    return root.multiply(root).equals(number);
  }

  private static List<Fingerprint> fingerprints() {
    List<Fingerprint> list = new ArrayList<>();
    for (BigInteger prime : primesUnder(ROCA_PRIMES_UNDER)) {
      BitSet residues = new BitSet();
      BigInteger power = BigInteger.ONE;
      do {
        residues.set(power.intValue());
        power = power.multiply(LEAST_EXPONENT).mod(prime);
      } while (!power.equals(BigInteger.ONE));
      list.add(new Fingerprint(prime, residues));
    }
    return List.copyOf(list);
  }

  private static List<BigInteger> primesUnder(int end) {
    List<BigInteger> primes = new ArrayList<>();
    for (BigInteger prime = BigInteger.TWO;
        prime.intValue() < end;
        prime = prime.nextProbablePrime()) {
      primes.add(prime);
    }
    return primes;
  }

  private static BigInteger product(List<BigInteger> numbers) {
    return numbers.stream().reduce(BigInteger.ONE, BigInteger::multiply);
  }

  private static IssuanceException weak(String why) {
    return new IssuanceException(Reason.WEAK_KEY, why);
  }
}
