package dev.vouchsafe.ca;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1IA5String;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1UTF8String;
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
import org.bouncycastle.asn1.x509.TBSCertificate;

/**
 * Reads the very octets that are about to be signed and holds them against grant, issuer and rules,
 * knowing nothing of how they were made: a mistake in the planner or builder ends here, unsigned.
 */
final class LeafLint {
  /**
   * What the octets must agree with.
   *
   * @param grant what may be issued
   * @param profile what was asked for
   * @param gate the gate that the grant makes for that profile
   * @param key the key to certify
   * @param keyType its type
   * @param now the time of the request
   */
  record Expected(
      Grant grant,
      Profile profile,
      NameGate gate,
      SubjectPublicKeyInfo key,
      KeyType keyType,
      Instant now) {}

  private static final int VERSION_3 = 3;
  private static final ASN1ObjectIdentifier[] ALWAYS = {
    Extension.basicConstraints,
    Extension.keyUsage,
    Extension.extendedKeyUsage,
    Extension.subjectKeyIdentifier,
    Extension.authorityKeyIdentifier
  };

  private final Issuer issuer;
  private final Duration cap;

  LeafLint(Issuer issuer, Duration cap) {
    this.issuer = issuer;
    this.cap = cap;
  }

  /**
   * Throws {@link Reason#LINT} at the first rule that the octets break.
   *
   * @param der the TBSCertificate
   * @param serial the serial number that the ledger will know
   */
  void check(byte[] der, byte[] serial, Expected expected) throws IssuanceException {
    try {
      TBSCertificate tbs = TBSCertificate.getInstance(der);
      require(Arrays.equals(tbs.getEncoded(ASN1Encoding.DER), der), "it is not DER");
      checkFrame(tbs, serial, expected);
      checkValidity(tbs, expected.now());
      Set<SanName> names = checkNames(tbs, expected);
      checkSubject(tbs.getSubject(), expected.grant(), names);
      checkExtensions(tbs, expected, !names.isEmpty());
    } catch (IOException | IllegalArgumentException | IllegalStateException e) {
      // What Bouncy Castle throws where the encoding or a type inside it is wrong.
      throw new IssuanceException(Reason.LINT, "lint: the certificate can't be read back", e);
    }
  }

  private void checkFrame(TBSCertificate tbs, byte[] wanted, Expected expected)
      throws IssuanceException, IOException {
    byte[] serial = tbs.getSerialNumber().getValue().toByteArray();
    require(tbs.getVersionNumber() == VERSION_3, "the version is not 3");
    require(Serials.isOurs(serial), "the serial number has not our shape");
    require(Arrays.equals(serial, wanted), "the serial number is another");
    require(
        issuer.signatureAlgorithm().equals(tbs.getSignature()),
        "the signature algorithm is not that of the issuer's key");
    require(
        issuer.hasSubject(tbs.getIssuer().getEncoded(ASN1Encoding.DER)),
        "the issuer's name is not the device CA's subject");
    require(
        tbs.getIssuerUniqueId() == null && tbs.getSubjectUniqueId() == null,
        "it has unique identifiers");
    require(expected.key().equals(tbs.getSubjectPublicKeyInfo()), "it certifies another key");
  }

  private void checkValidity(TBSCertificate tbs, Instant now) throws IssuanceException {
    Instant notBefore = ValidityTimes.decode(tbs.getStartDate());
    Instant notAfter = ValidityTimes.decode(tbs.getEndDate());
    require(!notBefore.isAfter(notAfter), "it ends before it begins");
    require(!notBefore.isBefore(issuer.notBefore()), "it begins before its issuer");
    require(!notAfter.isAfter(issuer.notAfter()), "it outlives its issuer");
    require(!notBefore.isAfter(now), "it begins in the future");
    require(
        !notBefore.isBefore(now.minus(LeafPlanner.BACK_DATED).minusSeconds(1)),
        "it is back-dated too far");
    require(!notAfter.isAfter(now.plus(cap)), "it lives longer than the cap");
  }

  private Set<SanName> checkNames(TBSCertificate tbs, Expected expected)
      throws IssuanceException, IOException {
    Set<SanName> names = new HashSet<>();
    int uris = 0;
    Extension extension = tbs.getExtensions().getExtension(Extension.subjectAlternativeName);
    if (extension != null) {
      require(!extension.isCritical(), "the SAN is critical beside a subject");
      NameGate gate = expected.gate();
      for (GeneralName name : GeneralNames.getInstance(extension.getParsedValue()).getNames()) {
        require(names.add(checkName(gate, name)), "a name stands twice");
        uris += name.getTagNo() == GeneralName.uniformResourceIdentifier ? 1 : 0;
      }
      require(!names.isEmpty(), "the SAN is empty");
    }
    boolean wantsUri =
        expected.profile() == Profile.IDENTITY && expected.grant().spiffeId().isPresent();
    require(uris == (wantsUri ? 1 : 0), "it has not the URIs of its profile");
    require(!names.isEmpty() || expected.profile() == Profile.IDENTITY, "a server needs a name");
    return names;
  }

  private SanName checkName(NameGate gate, GeneralName name) throws IssuanceException {
    try {
      return switch (name.getTagNo()) {
        case GeneralName.dNSName -> {
          String text = ASN1IA5String.getInstance(name.getName()).getString();
          SanName.Dns granted = gate.dns(text);
          require(granted.name().equals(text), "a DNS name is not in lower case");
          yield granted;
        }
        case GeneralName.iPAddress -> {
          byte[] octets = ASN1OctetString.getInstance(name.getName()).getOctets();
          SanName.Ip granted = gate.ip(octets);
          require(
              Arrays.equals(granted.address().getAddress(), octets),
              "an IPv4 address is written as IPv6");
          yield granted;
        }
        case GeneralName.uniformResourceIdentifier -> {
          String text = ASN1IA5String.getInstance(name.getName()).getString();
          require(
              text.startsWith("spiffe://" + issuer.trustDomain() + "/"),
              "the SPIFFE ID is of another trust domain");
          yield gate.uri(text);
        }
        default -> throw broken("it has a name of a kind that we don't issue");
      };
    } catch (IssuanceException e) {
      throw e.reason() == Reason.LINT
          ? e
          : new IssuanceException(Reason.LINT, "lint: " + e.getMessage(), e);
    }
  }

  private static void checkSubject(X500Name subject, Grant grant, Set<SanName> names)
      throws IssuanceException {
    RDN[] rdns = subject.getRDNs();
    require(rdns.length == 1 && !rdns[0].isMultiValued(), "the subject is not one CN");
    require(BCStyle.CN.equals(rdns[0].getFirst().getType()), "the subject is not one CN");
    String name = ASN1UTF8String.getInstance(rdns[0].getFirst().getValue()).getString();
    boolean known = name.equals(LeafPlan.commonName(grant.module()));
    for (SanName san : names) {
      String plain = san.text().substring(san.text().indexOf(':') + 1);
      known = known || name.equals(LeafPlan.commonName(plain));
    }
    require(known, "the CN is neither the module nor one of the names");
  }

  private void checkExtensions(TBSCertificate tbs, Expected expected, boolean named)
      throws IssuanceException {
    Extensions extensions = tbs.getExtensions();
    Set<ASN1ObjectIdentifier> wanted = new HashSet<>(List.of(ALWAYS));
    if (named) {
      wanted.add(Extension.subjectAlternativeName);
    }
    require(
        wanted.equals(Set.of(extensions.getExtensionOIDs())), "it has not exactly our extensions");
    BasicConstraints constraints =
        BasicConstraints.getInstance(value(extensions, Extension.basicConstraints, true));
    require(!constraints.isCA() && constraints.getPathLenConstraint() == null, "it is a CA");
    int usage =
        expected.keyType().keyAlgorithm().equals("RSA")
            ? KeyUsage.digitalSignature | KeyUsage.keyEncipherment
            : KeyUsage.digitalSignature;
    require(
        new KeyUsage(usage)
            .toASN1Primitive()
            .equals(value(extensions, Extension.keyUsage, true).toASN1Primitive()),
        "the key usage is not that of the profile");
    KeyPurposeId[] purposes =
        ExtendedKeyUsage.getInstance(value(extensions, Extension.extendedKeyUsage, false))
            .getUsages();
    require(
        List.of(purposes).equals(wantedPurposes(expected.profile())),
        "the extended key usage is not that of the profile");
    SubjectKeyIdentifier subjectKey =
        SubjectKeyIdentifier.getInstance(value(extensions, Extension.subjectKeyIdentifier, false));
    require(
        Arrays.equals(subjectKey.getKeyIdentifier(), Octets.keyId(expected.key())),
        "the subject key identifier is wrong");
    AuthorityKeyIdentifier authorityKey =
        AuthorityKeyIdentifier.getInstance(
            value(extensions, Extension.authorityKeyIdentifier, false));
    require(
        Arrays.equals(authorityKey.getKeyIdentifierOctets(), issuer.keyId())
            && authorityKey.getAuthorityCertIssuer() == null
            && authorityKey.getAuthorityCertSerialNumber() == null,
        "the authority key identifier is not the issuer's key alone");
  }

  private static List<KeyPurposeId> wantedPurposes(Profile profile) {
    return switch (profile) {
      case IDENTITY -> List.of(KeyPurposeId.id_kp_clientAuth, KeyPurposeId.id_kp_serverAuth);
      case SERVER -> List.of(KeyPurposeId.id_kp_serverAuth);
    };
  }

  private static ASN1Encodable value(
      Extensions extensions, ASN1ObjectIdentifier oid, boolean critical) throws IssuanceException {
    Extension extension = extensions.getExtension(oid);
    require(extension.isCritical() == critical, oid.getId() + " has the wrong criticality");
    return extension.getParsedValue();
  }

  private static void require(boolean holds, String otherwise) throws IssuanceException {
    if (!holds) {
      throw broken(otherwise);
    }
  }

  private static IssuanceException broken(String rule) {
    return new IssuanceException(Reason.LINT, "lint: " + rule);
  }
}
