package dev.vouchsafe.ca;

import java.io.IOException;
import java.security.PublicKey;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.DERSet;
import org.bouncycastle.asn1.pkcs.CertificationRequestInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/** What an authority's key signs to show that it works. */
final class TrialRequest {
  private TrialRequest() {}

  /** A CertificationRequestInfo (RFC 2986 section 4.1) without attributes, DER. */
  static byte[] octets(X500Principal subject, PublicKey key) {
    try {
      return new CertificationRequestInfo(
              X500Name.getInstance(subject.getEncoded()),
              SubjectPublicKeyInfo.getInstance(key.getEncoded()),
              new DERSet())
          .getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }
}
