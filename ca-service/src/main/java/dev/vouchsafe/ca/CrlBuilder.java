package dev.vouchsafe.ca;

import java.io.IOException;
import java.math.BigInteger;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.DERGeneralizedTime;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.CRLNumber;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.V2TBSCertListGenerator;

/**
 * Encodes an authority's TBSCertList (RFC 5280 section 5.1): full lists, each of all that its one
 * issuer revoked. So none needs an issuing distribution point, and one that names an address is
 * refused by some for certificates that name none: it is there only where that is wanted.
 */
final class CrlBuilder {
  private static final DateTimeFormatter GENERALIZED_TIME =
      DateTimeFormatter.ofPattern("uuuuMMddHHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

  private final Issuer issuer;

  CrlBuilder(Issuer issuer) {
    this.issuer = issuer;
  }

  /**
   * The octets to sign.
   *
   * @param address what the issuing distribution point says (section 5.2.5); absent if there is
   *     none
   */
  byte[] tbs(CrlLedger.ListRow row, List<CrlLedger.Entry> entries, Optional<String> address) {
    V2TBSCertListGenerator tbs = new V2TBSCertListGenerator();
    tbs.setSignature(issuer.signatureAlgorithm());
    tbs.setIssuer(issuer.subject());
    tbs.setThisUpdate(ValidityTimes.encode(row.thisUpdate()));
    tbs.setNextUpdate(ValidityTimes.encode(row.nextUpdate()));
    try {
      for (CrlLedger.Entry entry : entries) {
        tbs.addCRLEntry(encode(entry));
      }
      ExtensionsGenerator extensions = new ExtensionsGenerator();
      extensions.addExtension(
          Extension.authorityKeyIdentifier, false, new AuthorityKeyIdentifier(issuer.keyId()));
      extensions.addExtension(
          Extension.cRLNumber, false, new CRLNumber(BigInteger.valueOf(row.number())));
      if (address.isPresent()) {
        extensions.addExtension(
            Extension.issuingDistributionPoint, true, CrlAddress.ofList(address.get()));
      }
      tbs.setExtensions(extensions.generate());
      return tbs.generateTBSCertList().getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  private static ASN1Sequence encode(CrlLedger.Entry entry) throws IOException {
    ASN1EncodableVector parts = new ASN1EncodableVector(3);
    parts.add(new ASN1Integer(new BigInteger(1, entry.serial().octets())));
    parts.add(ValidityTimes.encode(entry.revoked()));
    ExtensionsGenerator told = new ExtensionsGenerator();
    if (entry.reason() != RevocationReason.UNSPECIFIED) {
      // That one should be left out (section 5.3.1).
      told.addExtension(Extension.reasonCode, false, CRLReason.lookup(entry.reason().code()));
    }
    if (entry.invalidSince().isPresent()) {
      told.addExtension(Extension.invalidityDate, false, generalized(entry.invalidSince().get()));
    }
    if (!told.isEmpty()) {
      parts.add(told.generate());
    }
    return new DERSequence(parts);
  }

  private static DERGeneralizedTime generalized(Instant instant) {
    return new DERGeneralizedTime(GENERALIZED_TIME.format(instant));
  }
}
