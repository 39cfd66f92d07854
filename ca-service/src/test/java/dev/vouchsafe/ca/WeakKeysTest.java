package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.math.BigInteger;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.RSAKeyGenParameterSpec;
import java.security.spec.RSAPublicKeySpec;
import java.util.Arrays;
import java.util.Random;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.sec.SECNamedCurves;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Public keys whose private half others know or can find. */
class WeakKeysTest {
  private static final BigInteger F4 = RSAKeyGenParameterSpec.F4;
  private final Random random = new Random(20261105);
  private final SubjectKeys keys = new SubjectKeys(hash -> false);

  private void assertWeak(SubjectPublicKeyInfo key) {
    Refusals.assertRefused(Reason.WEAK_KEY, () -> keys.read(key));
  }

  private static SubjectPublicKeyInfo rsa(BigInteger modulus, BigInteger exponent)
      throws Exception {
    return new SubjectPublicKeyInfo(
        new AlgorithmIdentifier(PKCSObjectIdentifiers.rsaEncryption, DERNull.INSTANCE),
        new org.bouncycastle.asn1.pkcs.RSAPublicKey(modulus, exponent));
  }

  private static SubjectPublicKeyInfo ec(ASN1Encodable curve, byte[] point) {
    return new SubjectPublicKeyInfo(
        new AlgorithmIdentifier(X9ObjectIdentifiers.id_ecPublicKey, curve), point);
  }

  private static byte[] goodPoint() {
    return SubjectPublicKeyInfo.getInstance(
            TestCa.CRYPTO.generate(KeyType.EC_P256).getPublic().getEncoded())
        .getPublicKeyData()
        .getOctets();
  }

  private BigInteger prime(int bits) {
    BigInteger prime = BigInteger.probablePrime(bits, random);
    return prime.testBit(bits - 2) ? prime : prime(bits);
  }

  @ParameterizedTest
  @EnumSource(KeyType.class)
  void keysThatWeMakeAreNotWeak(KeyType type) throws Exception {
    KeyPair pair = TestCa.CRYPTO.generate(type);
    assertThat(
            SubjectKeys.typeOf(
                keys.read(SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded()))))
        .isEqualTo(type);
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 1024, 2047, 2049, 2056, 3071, 4104, 8192})
  void rsaOfAnotherSizeIsNotCertified(int bits) throws Exception {
    assertWeak(rsa(BigInteger.ONE.shiftLeft(bits - 1).add(BigInteger.ONE), F4));
  }

  @Test
  void anEvenModulusIsWeak() throws Exception {
    assertWeak(rsa(prime(2047).shiftLeft(1), F4));
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 5, 101, 743, 751})
  void aModulusWithASmallFactorIsWeak(int factor) throws Exception {
    BigInteger rest = BigInteger.ONE.shiftLeft(2047).divide(BigInteger.valueOf(factor));
    BigInteger modulus = rest.nextProbablePrime().multiply(BigInteger.valueOf(factor));
    assertThat(modulus.bitLength()).isEqualTo(2048);
    assertWeak(rsa(modulus, F4));
  }

  @Test
  void twoPrimesSideBySideAreFoundByFermat() throws Exception {
    BigInteger p = prime(1024);
    assertWeak(rsa(p.multiply(p.nextProbablePrime()), F4));
    assertWeak(rsa(p.multiply(p), F4));
    BigInteger near = p.add(BigInteger.ONE.shiftLeft(512)).nextProbablePrime();
    assertWeak(rsa(p.multiply(near), F4));
  }

  @Test
  void twoPrimesFarApartAreNotTakenForNear() throws Exception {
    RSAPublicKey key =
        (RSAPublicKey)
            KeyFactory.getInstance("RSA")
                .generatePublic(new RSAPublicKeySpec(prime(1024).multiply(prime(1024)), F4));
    WeakKeys.check(key);
  }

  @Test
  void primesOfInfineonsFlawedLibraryAreRecognised() throws Exception {
    BigInteger primorial = BigInteger.ONE;
    BigInteger prime = BigInteger.TWO;
    for (int i = 0; i < 126; i++) {
      primorial = primorial.multiply(prime);
      prime = prime.nextProbablePrime();
    }
    assertWeak(rsa(flawedPrime(primorial).multiply(flawedPrime(primorial)), F4));
  }

  /** A prime of the form k * M + (65537^a mod M), as CVE-2017-15361 made them. */
  private BigInteger flawedPrime(BigInteger primorial) {
    while (true) {
      BigInteger k =
          new BigInteger(1024 - primorial.bitLength(), random).setBit(1023 - primorial.bitLength());
      BigInteger candidate =
          k.multiply(primorial).add(F4.modPow(new BigInteger(62, random), primorial));
      if (candidate.bitLength() == 1024
          && candidate.testBit(1022)
          && candidate.isProbablePrime(20)) {
        return candidate;
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "1", "2", "3", "17", "65535", "65536", "65538"})
  void anExponentUnderOrBesideTheRuleIsWeak(String exponent) throws Exception {
    assertWeak(rsa(prime(1024).multiply(prime(1024)), new BigInteger(exponent)));
  }

  @Test
  void anExponentThatMakesVerifyingSlowIsWeak() throws Exception {
    BigInteger modulus = prime(1024).multiply(prime(1024));
    assertWeak(rsa(modulus, BigInteger.ONE.shiftLeft(256).setBit(0)));
    assertWeak(rsa(modulus, modulus.subtract(BigInteger.TWO)));
  }

  @Test
  void aNegativeModulusOrExponentIsWeak() throws Exception {
    BigInteger modulus = prime(1024).multiply(prime(1024));
    assertWeak(rsa(modulus.negate(), F4));
    assertWeak(rsa(modulus, F4.negate()));
  }

  @Test
  void rsaBoundToPssOrWithoutItsNullIsNotCertified() throws Exception {
    byte[] key =
        SubjectPublicKeyInfo.getInstance(
                TestCa.CRYPTO.generate(KeyType.RSA_2048).getPublic().getEncoded())
            .getPublicKeyData()
            .getOctets();
    assertWeak(
        new SubjectPublicKeyInfo(
            new AlgorithmIdentifier(PKCSObjectIdentifiers.id_RSASSA_PSS), key));
    assertWeak(
        new SubjectPublicKeyInfo(
            new AlgorithmIdentifier(PKCSObjectIdentifiers.rsaEncryption), key));
  }

  @Test
  void aPointBesideTheCurveIsWeak() {
    byte[] point = goodPoint();
    point[64] ^= 1;
    assertWeak(ec(SECObjectIdentifiers.secp256r1, point));
  }

  @Test
  void theOriginInfinityAndCoordinatesOverTheFieldAreWeak() {
    byte[] origin = new byte[65];
    origin[0] = 4;
    assertWeak(ec(SECObjectIdentifiers.secp256r1, origin));
    assertWeak(ec(SECObjectIdentifiers.secp256r1, new byte[] {0}));
    assertWeak(ec(SECObjectIdentifiers.secp256r1, new byte[] {4}));
    assertWeak(ec(SECObjectIdentifiers.secp256r1, new byte[0]));
    byte[] over = new byte[65];
    Arrays.fill(over, (byte) 0xff);
    over[0] = 4;
    assertWeak(ec(SECObjectIdentifiers.secp256r1, over));
  }

  @Test
  void compressedAndHybridPointsAreNotCertified() {
    byte[] point = goodPoint();
    byte[] compressed = Arrays.copyOf(point, 33);
    compressed[0] = (byte) (2 + (point[64] & 1));
    assertWeak(ec(SECObjectIdentifiers.secp256r1, compressed));
    byte[] hybrid = point.clone();
    hybrid[0] = (byte) (6 + (point[64] & 1));
    assertWeak(ec(SECObjectIdentifiers.secp256r1, hybrid));
  }

  @Test
  void aCurveSpelledOutIsNotCertifiedEvenIfItIsP256() {
    assertWeak(ec(SECNamedCurves.getByName("secp256r1"), goodPoint()));
    assertWeak(ec(DERNull.INSTANCE, goodPoint()));
    assertWeak(
        new SubjectPublicKeyInfo(
            new AlgorithmIdentifier(X9ObjectIdentifiers.id_ecPublicKey), goodPoint()));
  }

  @Test
  void aPointUnderAnotherCurvesNameIsWeak() {
    assertWeak(ec(SECObjectIdentifiers.secp384r1, goodPoint()));
    assertWeak(ec(SECObjectIdentifiers.secp256k1, goodPoint()));
    assertWeak(ec(SECObjectIdentifiers.secp521r1, goodPoint()));
    assertWeak(ec(new DEROctetString(new byte[8]), goodPoint()));
  }

  @Test
  void otherKindsOfKeyAreNotCertified() throws Exception {
    KeyPairGenerator p521 = KeyPairGenerator.getInstance("EC");
    p521.initialize(new ECGenParameterSpec("secp521r1"));
    for (KeyPairGenerator generator :
        new KeyPairGenerator[] {
          p521,
          KeyPairGenerator.getInstance("Ed25519"),
          KeyPairGenerator.getInstance("X25519"),
          KeyPairGenerator.getInstance("ML-DSA")
        }) {
      assertWeak(
          SubjectPublicKeyInfo.getInstance(generator.generateKeyPair().getPublic().getEncoded()));
    }
  }

  @Test
  void anAuthoritysKeyIsNeverCertified() {
    byte[] ours = TestCa.CRYPTO.generate(KeyType.EC_P256).getPublic().getEncoded();
    SubjectKeys blocking = new SubjectKeys(hash -> Arrays.equals(hash, Octets.sha256(ours)));
    Refusals.assertRefused(
        Reason.WEAK_KEY, () -> blocking.read(SubjectPublicKeyInfo.getInstance(ours)));
  }
}
