package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import dev.vouchsafe.ca.clock.TrustedClock;
import dev.vouchsafe.ca.clock.TrustedClock.Reading;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.math.BigInteger;
import java.security.KeyPair;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.ocsp.OCSPObjectIdentifiers;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;

/**
 * Makes those who answer for an authority (RFC 6960 section 4.2.2.2): so a key store that is slow
 * signs twice a day and not once for each answer. Nothing in such a certificate comes from a
 * caller.
 */
final class OcspSignerMaker {
  /** It says that it is not to be looked up itself (section 4.2.2.2.1), so it is short-lived. */
  private static final Duration LIFE = Duration.ofHours(24);

  /** A name with a slash is no module's. */
  private static final String MODULE = "vouchsafe/ocsp";

  private final CaSettings settings;
  private final SoftwareCrypto crypto;
  private final OcspLedger ledger;
  private final Distrust distrust;
  private final TrustedClock clock;
  private final Serials serials = new Serials();

  OcspSignerMaker(
      CaSettings settings,
      SoftwareCrypto crypto,
      OcspLedger ledger,
      Distrust distrust,
      TrustedClock clock) {
    this.distrust = distrust;
    this.settings = settings;
    this.crypto = crypto;
    this.ledger = ledger;
    this.clock = clock;
  }

  /**
   * Another one. As of every certificate, the intent is in the ledger before the key signs.
   *
   * @param key that of the authority
   */
  OcspSigner make(StoredAuthority authority, SigningKey key) throws IssuanceException {
    requireTrusted(authority);
    long epoch = clock.epoch();
    Reading time = clock.read();
    Times.requireIssuing(time);
    Issuer issuer = issuer(authority);
    Instant now = time.now().truncatedTo(ChronoUnit.SECONDS);
    if (!issuer.isValidAt(now)) {
      throw new IssuanceException(Reason.AUTHORITY_UNAVAILABLE, issuer.id() + " is not valid now");
    }
    Instant notBefore = later(now.minus(LeafPlanner.BACK_DATED), issuer.notBefore());
    Instant end = now.plus(time.bounded(LIFE));
    Instant notAfter = end.isBefore(issuer.notAfter()) ? end : issuer.notAfter();
    KeyPair pair = crypto.generate(OcspSigner.TYPE);
    SubjectPublicKeyInfo spki = SubjectPublicKeyInfo.getInstance(pair.getPublic().getEncoded());
    byte[] serial = serials.next(now);
    String name = LeafPlan.commonName("OCSP " + settings.identity().deviceId());
    byte[] tbs = tbs(issuer, serial, name, notBefore, notAfter, spki);
    Ledger.DurableIntent intent =
        ledger.record(
            new OcspLedger.SignerRow(
                authority.row().row(), MODULE, name, new Blob(serial), notBefore, notAfter),
            Octets.sha256(pair.getPublic().getEncoded()),
            tbs);
    byte[] signature = signature(key, intent, () -> requireTrusted(authority));
    ledger.signed(new Blob(serial));
    byte[] der = Signed.certificate(tbs, issuer.signatureAlgorithm(), signature);
    return new OcspSigner(crypto, pair, der, now, notAfter, epoch);
  }

  private static Instant later(Instant one, Instant other) {
    return one.isAfter(other) ? one : other;
  }

  private Issuer issuer(StoredAuthority authority) {
    try {
      return Issuer.of(authority, settings.identity());
    } catch (IOException e) {
      throw new IllegalStateException("an authority's certificate can be read", e);
    }
  }

  private static byte[] tbs(
      Issuer issuer,
      byte[] serial,
      String name,
      Instant notBefore,
      Instant notAfter,
      SubjectPublicKeyInfo key) {
    V3TBSCertificateGenerator tbs = new V3TBSCertificateGenerator();
    tbs.setSerialNumber(new ASN1Integer(new BigInteger(1, serial)));
    tbs.setSignature(issuer.signatureAlgorithm());
    tbs.setIssuer(issuer.subject());
    tbs.setStartDate(ValidityTimes.encode(notBefore));
    tbs.setEndDate(ValidityTimes.encode(notAfter));
    tbs.setSubject(new X500Name(new RDN[] {new RDN(BCStyle.CN, new DERUTF8String(name))}));
    tbs.setSubjectPublicKeyInfo(key);
    tbs.setExtensions(
        new Extensions(
            new Extension[] {
              LeafBuilder.extension(Extension.basicConstraints, true, new BasicConstraints(false)),
              LeafBuilder.extension(
                  Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature)),
              LeafBuilder.extension(
                  Extension.extendedKeyUsage,
                  true,
                  new ExtendedKeyUsage(KeyPurposeId.id_kp_OCSPSigning)),
              LeafBuilder.extension(
                  OCSPObjectIdentifiers.id_pkix_ocsp_nocheck, false, DERNull.INSTANCE),
              LeafBuilder.extension(
                  Extension.subjectKeyIdentifier,
                  false,
                  new SubjectKeyIdentifier(Octets.keyId(key))),
              LeafBuilder.extension(
                  Extension.authorityKeyIdentifier,
                  false,
                  new AuthorityKeyIdentifier(issuer.keyId()))
            }));
    try {
      return tbs.generateTBSCertificate().getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  /** One that is revoked signs no certificate, not even this. */
  private void requireTrusted(StoredAuthority authority) throws IssuanceException {
    if (distrust.covers(authority)) {
      throw Distrust.refusal(authority);
    }
  }

  private static byte[] signature(
      SigningKey key, Ledger.DurableIntent intent, SigningLane.Condition condition)
      throws IssuanceException {
    Optional<SigningLane> lane = key.lane();
    if (lane.isPresent()) {
      return CrlPublisher.await(lane.get().signFirst(key, intent, condition));
    }
    condition.require();
    return key.sign(intent);
  }
}
