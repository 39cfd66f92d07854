package dev.vouchsafe.ca;

import java.io.IOException;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;

/** Puts a certificate together from what was signed and its signature (RFC 5280 section 4.1). */
final class Signed {
  private Signed() {}

  static byte[] certificate(byte[] tbs, AlgorithmIdentifier algorithm, byte[] signature) {
    try {
      return new DERSequence(
              new ASN1Encodable[] {
                ASN1Primitive.fromByteArray(tbs), algorithm, new DERBitString(signature)
              })
          .getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("what was linted can be read", e);
    }
  }
}
