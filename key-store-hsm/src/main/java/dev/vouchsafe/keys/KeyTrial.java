package dev.vouchsafe.keys;

import java.io.IOException;
import java.security.PublicKey;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.pkcs.CertificationRequestInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/**
 * What a private key signs to show that it works and belongs to its public key. Keys of authorities
 * sign X.509 structures only, so that no signature of theirs can be taken for another thing: hence
 * a request for that very key, which is verified and thrown away.
 */
final class KeyTrial {
  private static final String SUBJECT = "CN=vouchsafe key check";

  private KeyTrial() {}

  /** A CertificationRequestInfo (RFC 2986 section 4.1) without attributes, DER. */
  static byte[] request(PublicKey key) {
    try {
      return new CertificationRequestInfo(
              new X500Name(SUBJECT),
              SubjectPublicKeyInfo.getInstance(key.getEncoded()),
              new DERSet())
          .getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }
}
