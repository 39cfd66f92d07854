package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;

/** The identifier, in a certificate, of the one signature algorithm of each key type. */
final class SignatureAlgorithms {
  private static final AlgorithmIdentifier ECDSA_SHA256 =
      new AlgorithmIdentifier(X9ObjectIdentifiers.ecdsa_with_SHA256);
  private static final AlgorithmIdentifier ECDSA_SHA384 =
      new AlgorithmIdentifier(X9ObjectIdentifiers.ecdsa_with_SHA384);
  private static final AlgorithmIdentifier RSA_SHA256 =
      new AlgorithmIdentifier(PKCSObjectIdentifiers.sha256WithRSAEncryption, DERNull.INSTANCE);

  private SignatureAlgorithms() {}

  /** ECDSA without parameters (RFC 5758 section 3.2), RSA with NULL (RFC 4055 section 5). */
  static AlgorithmIdentifier of(KeyType type) {
    return switch (type) {
      case EC_P256 -> ECDSA_SHA256;
      case EC_P384 -> ECDSA_SHA384;
      case RSA_2048, RSA_3072, RSA_4096 -> RSA_SHA256;
    };
  }
}
