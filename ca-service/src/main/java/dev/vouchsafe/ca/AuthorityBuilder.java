package dev.vouchsafe.ca;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.security.PublicKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.OptionalInt;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DERPrintableString;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;

/** Encodes an authority's TBSCertificate (RFC 5280 section 4.1). */
final class AuthorityBuilder {
  /** Clocks of those who verify may run behind ours by this. */
  static final Duration BACK_DATED = Duration.ofMinutes(5);

  private final GatewayIdentity identity;
  private final Optional<LedgerReader.StoredAuthority> signer;
  private final Instant now;

  /**
   * @param signer who signs it; nobody else, if it signs itself
   */
  AuthorityBuilder(
      GatewayIdentity identity, Optional<LedgerReader.StoredAuthority> signer, Instant now) {
    this.identity = identity;
    this.signer = signer;
    this.now = now;
  }

  byte[] tbs(AuthorityPlan plan, AuthorityRow row, byte[] serial, PublicKey publicKey) {
    X500Name subject = subject(plan.title() + " " + row.generation(), serial);
    SubjectPublicKeyInfo key = SubjectPublicKeyInfo.getInstance(publicKey.getEncoded());
    V3TBSCertificateGenerator tbs = new V3TBSCertificateGenerator();
    tbs.setSerialNumber(new ASN1Integer(new BigInteger(1, serial)));
    tbs.setSignature(
        SignatureAlgorithms.of(signer.map(it -> it.row().keyType()).orElse(row.keyType())));
    tbs.setIssuer(signer.map(it -> subjectOf(it.certificate())).orElse(subject));
    tbs.setStartDate(ValidityTimes.encode(notBefore()));
    tbs.setEndDate(ValidityTimes.encode(notAfter(plan.lifetime())));
    tbs.setSubject(subject);
    tbs.setSubjectPublicKeyInfo(key);
    try {
      tbs.setExtensions(extensions(plan, key));
      return tbs.generateTBSCertificate().getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  private Instant notBefore() {
    Instant backDated = now.minus(BACK_DATED);
    return signer
        .map(it -> it.certificate().getNotBefore().toInstant())
        .filter(begin -> begin.isAfter(backDated))
        .orElse(backDated);
  }

  private Instant notAfter(Duration lifetime) {
    Instant end = now.truncatedTo(ChronoUnit.SECONDS).plus(lifetime);
    return signer
        .map(LedgerReader.StoredAuthority::end)
        .filter(last -> last.isBefore(end))
        .orElse(end);
  }

  /** A CN for people and the serial number, so that no two generations share a name. */
  private X500Name subject(String title, byte[] serial) {
    String name = LeafPlan.commonName(title + " " + identity.deviceId());
    return new X500Name(
        new RDN[] {
          new RDN(BCStyle.SERIALNUMBER, new DERPrintableString(Octets.hex(serial))),
          new RDN(BCStyle.CN, new DERUTF8String(name))
        });
  }

  private Extensions extensions(AuthorityPlan plan, SubjectPublicKeyInfo key) throws IOException {
    GeneralName trustDomain =
        new GeneralName(
            GeneralName.uniformResourceIdentifier,
            new DERIA5String("spiffe://" + identity.trustDomain()));
    ExtensionsGenerator extensions = new ExtensionsGenerator();
    extensions.addExtension(Extension.basicConstraints, true, constraints(plan.pathLength()));
    extensions.addExtension(Extension.keyUsage, true, new KeyUsage(plan.keyUsage()));
    extensions.addExtension(
        Extension.subjectKeyIdentifier, false, new SubjectKeyIdentifier(Octets.keyId(key)));
    extensions.addExtension(
        Extension.authorityKeyIdentifier,
        false,
        new AuthorityKeyIdentifier(
            signer.map(it -> KeyIds.of(it.certificate())).orElseGet(() -> Octets.keyId(key))));
    extensions.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(trustDomain));
    Optional<byte[]> limits = nameConstraints(signer);
    if (limits.isPresent()) {
      extensions.addExtension(Extension.nameConstraints, true, limits.get());
    }
    return extensions.generate();
  }

  /**
   * The name constraints of an authority's certificate, which all under it repeat: some verifiers
   * look only at those of the last authority in a chain.
   */
  private static Optional<byte[]> nameConstraints(
      Optional<LedgerReader.StoredAuthority> authority) {
    return authority
        .map(it -> it.certificate().getExtensionValue(Extension.nameConstraints.getId()))
        .map(value -> ASN1OctetString.getInstance(value).getOctets());
  }

  private static BasicConstraints constraints(OptionalInt pathLength) {
    return pathLength.isPresent()
        ? new BasicConstraints(pathLength.getAsInt())
        : new BasicConstraints(true);
  }

  private static X500Name subjectOf(X509Certificate certificate) {
    return X500Name.getInstance(certificate.getSubjectX500Principal().getEncoded());
  }

  static X509Certificate parse(byte[] der) {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(der));
    } catch (CertificateException e) {
      throw new IllegalStateException("a certificate that was just made can be read", e);
    }
  }
}
