package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DERNull;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERPrintableString;
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
  /** The extensions that are the same in all leaves of a profile. */
  private record Fixed(Map<KeyType, Extension> usages, Extension purposes) {}

  private static final int MOST_EXTENSIONS = 7;
  private static final Extension NO_CA =
      extension(Extension.basicConstraints, true, new BasicConstraints(false));

  /** Says that there is no revocation information (RFC 9608 section 2). */
  private static final Extension NO_REVOCATION =
      extension(Extension.noRevAvail, false, DERNull.INSTANCE);

  private final Issuer issuer;
  private final Extension authorityKeyId;
  private final Map<Profile, Fixed> fixed = new ConcurrentHashMap<>();

  LeafBuilder(Issuer issuer) {
    this.issuer = issuer;
    this.authorityKeyId =
        extension(
            Extension.authorityKeyIdentifier, false, new AuthorityKeyIdentifier(issuer.keyId()));
  }

  byte[] tbs(LeafPlan plan, byte[] serial, SubjectPublicKeyInfo key, KeyType keyType) {
    V3TBSCertificateGenerator tbs = new V3TBSCertificateGenerator();
    tbs.setSerialNumber(new ASN1Integer(new BigInteger(1, serial)));
    tbs.setSignature(issuer.signatureAlgorithm());
    tbs.setIssuer(issuer.subject());
    tbs.setStartDate(ValidityTimes.encode(plan.notBefore()));
    tbs.setEndDate(ValidityTimes.encode(plan.notAfter()));
    tbs.setSubject(subject(plan.subject()));
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
    Fixed ofProfile = fixed(plan.profile());
    extensions.add(Objects.requireNonNull(ofProfile.usages().get(keyType)));
    extensions.add(ofProfile.purposes());
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
    issuer.ocspUrl().ifPresent(url -> extensions.add(OcspAddress.extension(url)));
    return extensions.toArray(Extension[]::new);
  }

  private Fixed fixed(LeafProfile profile) {
    Fixed known = fixed.get(profile.name());
    return known != null ? known : fixed.computeIfAbsent(profile.name(), name -> make(profile));
  }

  private static Fixed make(LeafProfile profile) {
    Map<KeyType, Extension> usages = new EnumMap<>(KeyType.class);
    for (KeyType type : KeyType.values()) {
      int bits = profile.usageBits(type);
      usages.put(type, extension(Extension.keyUsage, true, new KeyUsage(bits)));
    }
    KeyPurposeId[] purposes =
        profile.purposes().stream()
            .map(oid -> KeyPurposeId.getInstance(new ASN1ObjectIdentifier(oid)))
            .toArray(KeyPurposeId[]::new);
    return new Fixed(
        usages, extension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purposes)));
  }

  /** A subject of that common name and nothing else. */
  static X500Name subject(String commonName) {
    return subject(List.of(new SubjectTemplate.Part(SubjectTemplate.Type.CN, commonName)));
  }

  static X500Name subject(List<SubjectTemplate.Part> parts) {
    return new X500Name(
        parts.stream().map(part -> new RDN(oid(part.type()), text(part))).toArray(RDN[]::new));
  }

  private static ASN1Encodable text(SubjectTemplate.Part part) {
    return part.type().isPrintable()
        ? new DERPrintableString(part.text())
        : new DERUTF8String(part.text());
  }

  private static ASN1ObjectIdentifier oid(SubjectTemplate.Type type) {
    return switch (type) {
      case C -> BCStyle.C;
      case ST -> BCStyle.ST;
      case L -> BCStyle.L;
      case O -> BCStyle.O;
      case OU -> BCStyle.OU;
      case CN -> BCStyle.CN;
      case SERIAL_NUMBER -> BCStyle.SERIALNUMBER;
    };
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
