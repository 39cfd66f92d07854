package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.function.Predicate;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;

/** Reads the public keys that others want certified, and refuses those that we don't certify. */
final class SubjectKeys {
  private static final byte UNCOMPRESSED_POINT = 4;

  private final Predicate<byte[]> blocked;

  /**
   * @param blocked whether a SHA-256 is that of a SubjectPublicKeyInfo that is never certified: our
   *     own CA keys
   */
  SubjectKeys(Predicate<byte[]> blocked) {
    this.blocked = blocked;
  }

  /** The key, if it is of a kind that we certify, well formed and not known to be weak. */
  PublicKey read(SubjectPublicKeyInfo info) throws IssuanceException, IOException {
    byte[] encoded = info.getEncoded(ASN1Encoding.DER);
    String algorithm = algorithm(info);
    PublicKey key;
    try {
      key = KeyFactory.getInstance(algorithm).generatePublic(new X509EncodedKeySpec(encoded));
    } catch (GeneralSecurityException e) {
      throw new IssuanceException(Reason.WEAK_KEY, "the key is malformed", e);
    }
    typeOf(key);
    switch (key) {
      case ECPublicKey ec -> WeakKeys.check(ec);
      case RSAPublicKey rsa -> {
        requireCanonical(info, rsa);
        WeakKeys.check(rsa);
      }
      default -> throw notCertified();
    }
    if (blocked.test(Octets.sha256(encoded))) {
      throw new IssuanceException(Reason.WEAK_KEY, "the key is that of an authority");
    }
    return key;
  }

  /**
   * The JDK reads a negative modulus as a positive one; others don't. What is certified is read the
   * same by everybody.
   */
  private static void requireCanonical(SubjectPublicKeyInfo info, RSAPublicKey key)
      throws IssuanceException, IOException {
    byte[] canonical =
        new org.bouncycastle.asn1.pkcs.RSAPublicKey(key.getModulus(), key.getPublicExponent())
            .getEncoded(ASN1Encoding.DER);
    if (!Arrays.equals(canonical, info.getPublicKeyData().getOctets())) {
      throw new IssuanceException(Reason.WEAK_KEY, "the key is malformed");
    }
  }

  static KeyType typeOf(PublicKey key) throws IssuanceException {
    return KeyType.of(key).orElseThrow(SubjectKeys::notCertified);
  }

  /** Only named curves with uncompressed points, and RSA keys not bound to PSS. */
  private static String algorithm(SubjectPublicKeyInfo info) throws IssuanceException {
    AlgorithmIdentifier algorithm = info.getAlgorithm();
    ASN1Encodable parameters = algorithm.getParameters();
    if (algorithm.getAlgorithm().equals(PKCSObjectIdentifiers.rsaEncryption)
        && DERNull.INSTANCE.equals(parameters)) {
      return "RSA";
    }
    byte[] point = info.getPublicKeyData().getOctets();
    if (algorithm.getAlgorithm().equals(X9ObjectIdentifiers.id_ecPublicKey)
        && (SECObjectIdentifiers.secp256r1.equals(parameters)
            || SECObjectIdentifiers.secp384r1.equals(parameters))
        && point.length > 0
        && point[0] == UNCOMPRESSED_POINT) {
      return "EC";
    }
    throw notCertified();
  }

  private static IssuanceException notCertified() {
    return new IssuanceException(
        Reason.WEAK_KEY,
        "certified are keys on the named curves P-256 and P-384, and RSA of 2048, 3072 or 4096"
            + " bits");
  }
}
