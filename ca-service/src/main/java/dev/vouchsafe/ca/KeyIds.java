package dev.vouchsafe.ca;

import java.security.cert.X509Certificate;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;

/**
 * The key identifier of an authority, which all that it signs repeat: that of its certificate, for
 * who made an authority elsewhere may have chosen it by another rule than ours (RFC 5280 section
 * 4.2.1.1).
 */
final class KeyIds {
  private static final String SUBJECT_KEY_IDENTIFIER = "2.5.29.14";
  private static final int LONGEST = 64;

  private KeyIds() {}

  static byte[] of(X509Certificate certificate) {
    byte[] extension = certificate.getExtensionValue(SUBJECT_KEY_IDENTIFIER);
    if (extension != null) {
      byte[] inner = ASN1OctetString.getInstance(extension).getOctets();
      byte[] id = ASN1OctetString.getInstance(inner).getOctets();
      if (id.length > 0 && id.length <= LONGEST) {
        return id;
      }
    }
    return Octets.keyId(SubjectPublicKeyInfo.getInstance(certificate.getPublicKey().getEncoded()));
  }
}
