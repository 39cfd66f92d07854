package dev.vouchsafe.ca;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.bouncycastle.asn1.DERBitString;
import org.bouncycastle.asn1.DERSequenceGenerator;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;

/** Puts a certificate together from what was signed and its signature (RFC 5280 section 4.1). */
final class Signed {
  private static final int ROOM_BESIDE_TBS = 640;

  private Signed() {}

  /** A certificate revocation list, which is put together in the same way (section 5.1). */
  static byte[] list(byte[] tbs, AlgorithmIdentifier algorithm, byte[] signature) {
    return certificate(tbs, algorithm, signature);
  }

  /** The certificate; the octets that were signed stand in it as they are, not encoded again. */
  static byte[] certificate(byte[] tbs, AlgorithmIdentifier algorithm, byte[] signature) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(tbs.length + ROOM_BESIDE_TBS);
    try {
      DERSequenceGenerator certificate = new DERSequenceGenerator(out);
      certificate.getRawOutputStream().write(tbs);
      certificate.addObject(algorithm);
      certificate.addObject(new DERBitString(signature));
      certificate.close();
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
    return out.toByteArray();
  }
}
