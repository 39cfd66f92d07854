package dev.vouchsafe.ca;

import java.io.IOException;
import java.math.BigInteger;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.NameConstraints;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;

/** Encodes the TBSCertificate (RFC 5280 section 4.1) of the CA of a gateway below this one. */
final class ChildCaBuilder {
  private final GatewayIdentity gateway;
  private final LeafSigner signer;

  ChildCaBuilder(GatewayIdentity gateway, LeafSigner signer) {
    this.gateway = gateway;
    this.signer = signer;
  }

  byte[] tbs(ChildCa child, byte[] serial, Instant notBefore, Instant notAfter) {
    Issuer issuer = signer.issuer();
    V3TBSCertificateGenerator tbs = new V3TBSCertificateGenerator();
    tbs.setSerialNumber(new ASN1Integer(new BigInteger(1, serial)));
    tbs.setSignature(issuer.signatureAlgorithm());
    tbs.setIssuer(issuer.subject());
    tbs.setStartDate(ValidityTimes.encode(notBefore));
    tbs.setEndDate(ValidityTimes.encode(notAfter));
    tbs.setSubject(
        new X500Name(
            new RDN[] {
              new RDN(BCStyle.SERIALNUMBER, new DERPrintableString(Octets.hex(serial))),
              new RDN(BCStyle.CN, new DERUTF8String(child.commonName(gateway)))
            }));
    tbs.setSubjectPublicKeyInfo(child.key());
    tbs.setExtensions(new Extensions(extensions(child)));
    try {
      return tbs.generateTBSCertificate().getEncoded(ASN1Encoding.DER);
    } catch (IOException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  private Extension[] extensions(ChildCa child) {
    AuthorityProfile profile = child.profile();
    GeneralName name = uri("spiffe://" + child.trustDomain(gateway));
    List<Extension> extensions = new ArrayList<>();
    extensions.add(
        LeafBuilder.extension(
            Extension.basicConstraints, true, new BasicConstraints(profile.pathLength())));
    extensions.add(
        LeafBuilder.extension(
            Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign)));
    extensions.add(
        LeafBuilder.extension(
            Extension.subjectKeyIdentifier,
            false,
            new SubjectKeyIdentifier(Octets.keyId(child.key()))));
    extensions.add(
        LeafBuilder.extension(
            Extension.authorityKeyIdentifier,
            false,
            new AuthorityKeyIdentifier(signer.issuer().keyId())));
    extensions.add(
        LeafBuilder.extension(Extension.subjectAlternativeName, false, new GeneralNames(name)));
    constraints(profile, child.trustDomain(gateway)).ifPresent(extensions::add);
    signer.issuer().listUrl().ifPresent(url -> extensions.add(CrlAddress.extension(url)));
    return extensions.toArray(Extension[]::new);
  }

  /**
   * Its own trust domain and those under that, and what its signer is limited to: some verifiers
   * look only at the constraints of the last authority in a chain.
   */
  private Optional<Extension> constraints(AuthorityProfile profile, String trustDomain) {
    byte[] extension =
        signer.authority().certificate().getExtensionValue(Extension.nameConstraints.getId());
    Optional<NameConstraints> above =
        Optional.ofNullable(extension)
            .map(value ->
                NameConstraints.getInstance(ASN1OctetString.getInstance(value).getOctets()));
    if (profile.constraints() == AuthorityProfile.Constraints.NONE) {
      return above.map(same -> LeafBuilder.extension(Extension.nameConstraints, true, same));
    }
    List<GeneralSubtree> permitted = new ArrayList<>();
    above
        .map(NameConstraints::getPermittedSubtrees)
        .ifPresent(trees ->
            Arrays.stream(trees)
                .filter(tree -> tree.getBase().getTagNo() != GeneralName.uniformResourceIdentifier)
                .forEach(permitted::add));
    permitted.add(new GeneralSubtree(uri(trustDomain)));
    permitted.add(new GeneralSubtree(uri("." + trustDomain)));
    NameConstraints constraints =
        new NameConstraints(
            permitted.toArray(GeneralSubtree[]::new),
            above.map(NameConstraints::getExcludedSubtrees).orElse(null));
    boolean critical =
        above.isPresent() || profile.constraints() == AuthorityProfile.Constraints.CRITICAL;
    return Optional.of(LeafBuilder.extension(Extension.nameConstraints, critical, constraints));
  }

  private static GeneralName uri(String text) {
    return new GeneralName(GeneralName.uniformResourceIdentifier, new DERIA5String(text));
  }
}
