package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.util.Enumeration;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.CertificateList;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.TBSCertList;

/** Reads a list that this gateway signed, and believes nothing else. */
final class CrlReader {
  private final SoftwareCrypto crypto;

  CrlReader(SoftwareCrypto crypto) {
    this.crypto = crypto;
  }

  /** The list, if that authority signed it. */
  Optional<RevocationList> read(StoredAuthority authority, byte[] der) {
    try {
      CertificateList list = CertificateList.getInstance(der);
      TBSCertList tbs = list.getTBSCertList();
      X500Name subject =
          X500Name.getInstance(authority.certificate().getSubjectX500Principal().getEncoded());
      Extension number =
          tbs.getExtensions() == null
              ? null
              : tbs.getExtensions().getExtension(Extension.cRLNumber);
      if (!tbs.getIssuer().equals(subject)
          || number == null
          || tbs.getNextUpdate() == null
          || !crypto.verify(
              authority.certificate().getPublicKey(),
              authority.row().keyType(),
              tbs.getEncoded(ASN1Encoding.DER),
              list.getSignature().getOctets())) {
        return Optional.empty();
      }
      return Optional.of(
          new RevocationList(
              authority.row().id(),
              ASN1Integer.getInstance(number.getParsedValue()).longValueExact(),
              ValidityTimes.decode(tbs.getThisUpdate()),
              ValidityTimes.decode(tbs.getNextUpdate()),
              count(tbs.getRevokedCertificateEnumeration()),
              der));
    } catch (IllegalArgumentException | ArithmeticException | IOException e) {
      return Optional.empty();
    }
  }

  private static int count(Enumeration<?> entries) {
    int count = 0;
    while (entries.hasMoreElements()) {
      entries.nextElement();
      count++;
    }
    return count;
  }
}
