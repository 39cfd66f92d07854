package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;

/** Encodes a leaf's TBSCertificate (RFC 5280 section 4.1). What never changes is encoded once. */
final class LeafBuilder {
  private static final int MOST_EXTENSIONS = 7;
  private static final Extension NO_CA =
      extension(Extension.basicConstraints, true, new BasicConstraints(false));
  private static final Extension EC_USAGE =
      extension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
  private static final Extension RSA_USAGE =
      extension(
          Extension.keyUsage,
          true,
          new KeyUsage(KeyUsage.digitalSignature | KeyUsage.keyEncipherment));

  /** Says that there is no revocation information (RFC 9608 section 2). */
  private static final Extension NO_REVOCATION =
      extension(Extension.noRevAvail, false, DERNull.INSTANCE);

  private final Issuer issuer;
  private final Extension authorityKeyId;
  private final Map<Profile, Extension> purposes = new EnumMap<>(Profile.class);

  LeafBuilder(Issuer issuer) {
    this.issuer = issuer;
    this.authorityKeyId =
        extension(
            Extension.authorityKeyIdentifier, false, new AuthorityKeyIdentifier(issuer.keyId()));
    for (Profile profile : Profile.values()) {
      purposes.put(
          profile, extension(Extension.extendedKeyUsage, false, extendedKeyUsage(profile)));
    }
  }

  byte[] tbs(LeafPlan plan, byte[] serial, SubjectPublicKeyInfo key, KeyType keyType) {
    V3TBSCertificateGenerator tbs = new V3TBSCertificateGenerator();
    tbs.setSerialNumber(new ASN1Integer(new BigInteger(1, serial)));
    tbs.setSignature(issuer.signatureAlgorithm());
    tbs.setIssuer(issuer.subject());
    tbs.setStartDate(ValidityTimes.encode(plan.notBefore()));
    tbs.setEndDate(ValidityTimes.encode(plan.notAfter()));
    tbs.setSubject(subject(plan.commonName()));
    tbs.setSubjectPublicKeyInfo(key);
    tbs.setExtensions(new Extensions(extensions(plan, key, keyType)));
    try {
      return tbs.generateTBSCertificate().getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  private Extension[] extensions(LeafPlan plan, SubjectPublicKeyInfo key, KeyType keyType) {
    List<Extension> extensions = new ArrayList<>(MOST_EXTENSIONS);
    extensions.add(NO_CA);
    extensions.add(keyType.keyAlgorithm().equals("RSA") ? RSA_USAGE : EC_USAGE);
    extensions.add(Objects.requireNonNull(purposes.get(plan.profile())));
    extensions.add(
        extension(
            Extension.subjectKeyIdentifier, false, new SubjectKeyIdentifier(Octets.keyId(key))));
    extensions.add(authorityKeyId);
    if (!plan.names().isEmpty()) {
      extensions.add(extension(Extension.subjectAlternativeName, false, names(plan.names())));
    }
    if (issuer.isDelegate()) {
      extensions.add(NO_REVOCATION);
    }
    issuer.listUrl().ifPresent(url -> extensions.add(CrlAddress.extension(url)));
    return extensions.toArray(Extension[]::new);
  }

  private static ExtendedKeyUsage extendedKeyUsage(Profile profile) {
    return new ExtendedKeyUsage(LeafProfile.purposes(profile).toArray(new KeyPurposeId[0]));
  }

  static X500Name subject(String commonName) {
    return new X500Name(new RDN[] {new RDN(BCStyle.CN, new DERUTF8String(commonName))});
  }

  private static GeneralNames names(List<SanName> names) {
    return new GeneralNames(
        names.stream().map(LeafBuilder::generalName).toArray(GeneralName[]::new));
  }

  private static GeneralName generalName(SanName name) {
    return switch (name) {
      case SanName.Dns dns -> new GeneralName(GeneralName.dNSName, new DERIA5String(dns.name()));
      case SanName.Ip ip ->
          new GeneralName(GeneralName.iPAddress, new DEROctetString(ip.address().getAddress()));
      case SanName.Uri uri ->
          new GeneralName(GeneralName.uniformResourceIdentifier, new DERIA5String(uri.uri()));
    };
  }

  static Extension extension(ASN1ObjectIdentifier oid, boolean critical, ASN1Encodable value) {
    try {
      return new Extension(
          oid, critical, new DEROctetString(value.toASN1Primitive().getEncoded(ASN1Encoding.DER)));
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }
}
