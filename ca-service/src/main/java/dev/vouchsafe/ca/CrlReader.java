package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Enumerated;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.CertificateList;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.TBSCertList;
import org.bouncycastle.asn1.x509.Time;
import org.jspecify.annotations.Nullable;

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
      byte[] signed = tbs.getEncoded(ASN1Encoding.DER);
      byte[] signature = list.getSignature().getOctets();
      // Also what isn't signed has to be as we write it, since it is served as it is.
      byte[] written =
          Signed.list(signed, SignatureAlgorithms.of(authority.row().keyType()), signature);
      if (!Arrays.equals(written, der)
          || !tbs.getIssuer().equals(subject)
          || number == null
          || tbs.getNextUpdate() == null
          || !crypto.verify(
              authority.certificate().getPublicKey(),
              authority.row().keyType(),
              signed,
              signature)) {
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
    } catch (IllegalStateException | ClassCastException | NullPointerException e) {
      // What Bouncy Castle throws at some structures that are none.
      return Optional.empty();
    }
  }

  /** The hash of what was signed of such a list, by which the ledger knows it. */
  static byte[] tbsSha256(byte[] der) {
    try {
      return Octets.sha256(
          CertificateList.getInstance(der).getTBSCertList().getEncoded(ASN1Encoding.DER));
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  /**
   * What such a list names.
   *
   * @param end when those of its certificates end that the ledger doesn't know
   */
  static List<CrlLedger.Entry> entries(byte[] der, Instant end) {
    List<CrlLedger.Entry> entries = new ArrayList<>();
    for (TBSCertList.CRLEntry entry :
        CertificateList.getInstance(der).getTBSCertList().getRevokedCertificates()) {
      Extensions told = entry.getExtensions();
      Extension reason = told == null ? null : told.getExtension(Extension.reasonCode);
      int code =
          reason == null ? 0 : ASN1Enumerated.getInstance(reason.getParsedValue()).intValueExact();
      entries.add(
          new CrlLedger.Entry(
              0,
              new Blob(entry.getUserCertificate().getValue().toByteArray()),
              end,
              ValidityTimes.decode(entry.getRevocationDate()),
              RevocationReason.of(code),
              invalidSince(told)));
    }
    return entries;
  }

  private static Optional<Instant> invalidSince(@Nullable Extensions told) {
    Extension date = told == null ? null : told.getExtension(Extension.invalidityDate);
    return date == null
        ? Optional.empty()
        : Optional.of(ValidityTimes.decode(Time.getInstance(date.getParsedValue())));
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
