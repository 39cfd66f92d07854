package dev.vouchsafe.keys;

import java.io.IOException;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.util.Arrays;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.RSAPublicKey;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;

/** Translates public keys between the attributes of PKCS#11 objects and Java. */
final class TokenPublicKey {
  /** 65537, the only exponent that we ask for. */
  static final BigInteger EXPONENT = BigInteger.valueOf(0x10001);

  private static final byte UNCOMPRESSED = 4;

  private TokenPublicKey() {}

  static ASN1ObjectIdentifier curve(KeyType type) {
    return switch (type) {
      case EC_P256 -> SECObjectIdentifiers.secp256r1;
      case EC_P384 -> SECObjectIdentifiers.secp384r1;
      case RSA_2048, RSA_3072, RSA_4096 ->
          throw new IllegalArgumentException(type.text() + " is no curve");
    };
  }

  /** The value of CKA_EC_PARAMS: the curve's object identifier in DER (RFC 5480 section 2.1.1). */
  static byte[] parameters(KeyType type) {
    return der(curve(type));
  }

  /** The type that an object's CKA_EC_PARAMS names. */
  static Optional<KeyType> ofParameters(byte[] parameters) {
    for (KeyType type : new KeyType[] {KeyType.EC_P256, KeyType.EC_P384}) {
      if (Arrays.equals(parameters(type), parameters)) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /**
   * @param point CKA_EC_POINT: the uncompressed point in a DER OCTET STRING; many tokens leave that
   *     wrapping out
   */
  static Optional<PublicKey> ofPoint(SoftwareCrypto crypto, KeyType type, byte[] point) {
    int length = 1 + 2 * (type.bits() / Byte.SIZE);
    byte[] raw = point;
    if (point.length != length) {
      try {
        ASN1Primitive wrapped = point.length == 0 ? null : ASN1Primitive.fromByteArray(point);
        if (!(wrapped instanceof ASN1OctetString string)) {
          return Optional.empty();
        }
        raw = string.getOctets();
      } catch (IOException | IllegalStateException e) {
        return Optional.empty();
      }
    }
    if (raw.length != length || raw[0] != UNCOMPRESSED) {
      return Optional.empty();
    }
    AlgorithmIdentifier algorithm =
        new AlgorithmIdentifier(X9ObjectIdentifiers.id_ecPublicKey, curve(type));
    return read(crypto, type, new SubjectPublicKeyInfo(algorithm, raw));
  }

  /**
   * @param modulus CKA_MODULUS, big-endian
   * @param exponent CKA_PUBLIC_EXPONENT, big-endian
   */
  static Optional<PublicKey> ofModulus(SoftwareCrypto crypto, byte[] modulus, byte[] exponent) {
    BigInteger n = new BigInteger(1, modulus);
    if (!new BigInteger(1, exponent).equals(EXPONENT)) {
      return Optional.empty();
    }
    for (KeyType type : new KeyType[] {KeyType.RSA_2048, KeyType.RSA_3072, KeyType.RSA_4096}) {
      if (type.bits() == n.bitLength()) {
        AlgorithmIdentifier algorithm =
            new AlgorithmIdentifier(PKCSObjectIdentifiers.rsaEncryption, DERNull.INSTANCE);
        byte[] key = der(new RSAPublicKey(n, EXPONENT));
        return read(crypto, type, new SubjectPublicKeyInfo(algorithm, key));
      }
    }
    return Optional.empty();
  }

  private static Optional<PublicKey> read(
      SoftwareCrypto crypto, KeyType type, SubjectPublicKeyInfo info) {
    try {
      return Optional.of(JcaCrypto.readPublic(crypto, type, der(info)))
          .filter(key -> KeyType.of(key).equals(Optional.of(type)));
    } catch (GeneralSecurityException e) {
      return Optional.empty();
    }
  }

  private static byte[] der(ASN1Encodable object) {
    try {
      return object.toASN1Primitive().getEncoded("DER");
    } catch (IOException e) {
      throw new IllegalStateException("a value of our own can't be encoded", e);
    }
  }
}
