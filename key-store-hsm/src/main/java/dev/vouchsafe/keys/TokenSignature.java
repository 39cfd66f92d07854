package dev.vouchsafe.keys;

import java.io.IOException;
import java.math.BigInteger;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Map;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.DigestInfo;
import org.bouncycastle.crypto.signers.PlainDSAEncoding;
import org.bouncycastle.crypto.signers.StandardDSAEncoding;

/**
 * Signatures by a token's private key in the form of {@link StoredKey#sign}. The message is hashed
 * here, since a token would take it in pieces; what the token signs is the digest.
 */
final class TokenSignature {
  private static final AlgorithmIdentifier SHA_256 =
      new AlgorithmIdentifier(NISTObjectIdentifiers.id_sha256, DERNull.INSTANCE);

  private static final Map<KeyType, BigInteger> ORDERS =
      Map.of(
          KeyType.EC_P256,
          NamedCurves.orderOf(KeyType.EC_P256),
          KeyType.EC_P384,
          NamedCurves.orderOf(KeyType.EC_P384));

  private TokenSignature() {}

  static byte[] sign(CryptokiSession session, long key, KeyType type, byte[] message)
      throws CryptokiException, KeyFault.Failed {
    return switch (type) {
      case EC_P256 -> ecdsa(session.sign(Ck.CKM_ECDSA, key, digest("SHA-256", message)), type);
      case EC_P384 -> ecdsa(session.sign(Ck.CKM_ECDSA, key, digest("SHA-384", message)), type);
      case RSA_2048, RSA_3072, RSA_4096 -> {
        byte[] signature =
            session.sign(Ck.CKM_RSA_PKCS, key, digestInfo(digest("SHA-256", message)));
        if (signature.length != type.bits() / Byte.SIZE) {
          throw malformed();
        }
        yield signature;
      }
    };
  }

  /** From {@code r | s} of equal length (PKCS#11 v2.40 section 2.3.1) to DER. */
  private static byte[] ecdsa(byte[] plain, KeyType type) throws KeyFault.Failed {
    BigInteger order = ORDERS.get(type);
    try {
      if (order == null) {
        throw malformed();
      }
      BigInteger[] numbers = PlainDSAEncoding.INSTANCE.decode(order, plain);
      return StandardDSAEncoding.INSTANCE.encode(order, numbers[0], numbers[1]);
    } catch (IllegalArgumentException | IOException e) {
      throw malformed();
    }
  }

  private static KeyFault.Failed malformed() {
    return new KeyFault.Failed("the token's answer is no signature");
  }

  private static byte[] digestInfo(byte[] digest) {
    try {
      return new DigestInfo(SHA_256, digest).getEncoded("DER");
    } catch (IOException e) {
      throw new IllegalStateException("a digest can't be encoded", e);
    }
  }

  private static byte[] digest(String algorithm, byte[] message) {
    try {
      return MessageDigest.getInstance(algorithm).digest(message);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime has no " + algorithm, e);
    }
  }
}
