package dev.vouchsafe.ca;

import static dev.vouchsafe.ca.Lint.broken;
import static dev.vouchsafe.ca.Lint.concat;
import static dev.vouchsafe.ca.Lint.octets;
import static dev.vouchsafe.ca.Lint.require;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.bouncycastle.asn1.ASN1EncodableVector;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1IA5String;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.DERSequence;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.TBSCertificate;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;

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
   * @param gateway who we are
   * @param now the time of the request
   */
  record Expected(
      Grant grant,
      LeafProfile profile,
      NameGate gate,
      SubjectPublicKeyInfo key,
      KeyType keyType,
      GatewayIdentity gateway,
      Instant now) {}

  private record Validity(Instant notBefore, Instant notAfter) {}

  private static final int VERSION_3 = 3;

  // The extension values of RFC 5280 section 4.2.1, written down as octets and not by the builder.
  private static final byte[] NO_CA = octets("3000");
  private static final byte[] USAGE_HEAD = octets("0302");
  private static final byte[] KEY_ID_HEAD = octets("0414");

  /** id-ce-noRevAvail (RFC 9608 section 2). */
  private static final ASN1ObjectIdentifier NO_REV_AVAIL = new ASN1ObjectIdentifier("2.5.29.56");

  /** id-ce-cRLDistributionPoints (RFC 5280 section 4.2.1.13). */
  private static final ASN1ObjectIdentifier CRL_ADDRESS = new ASN1ObjectIdentifier("2.5.29.31");

  /** id-pe-authorityInfoAccess (RFC 5280 section 4.2.2.1). */
  private static final ASN1ObjectIdentifier OCSP_ADDRESS =
      new ASN1ObjectIdentifier("1.3.6.1.5.5.7.1.1");

  private static final byte[] NULL = octets("0500");

  private final Issuer issuer;

  LeafLint(Issuer issuer) {
    this.issuer = issuer;
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
      checkFrame(tbs, serial, expected);
      Validity validity = checkValidity(tbs, expected);
      Set<SanName> names = checkNames(tbs, expected);
      X500Name subject = SubjectLint.check(tbs.getSubject(), expected, names);
      Extensions extensions = checkExtensions(tbs.getExtensions(), expected);
      require(
          Arrays.equals(understood(tbs, validity, expected, subject, extensions), der),
          "it says more than was understood, or says it in another way");
      require(
          issuer.signs(expected.profile().name()), "its profile is signed by the device CA only");
      checkLimits(der, names);
    } catch (IOException | IllegalArgumentException | IllegalStateException e) {
      // What Bouncy Castle throws where the encoding or a type inside it is wrong.
      throw new IssuanceException(Reason.LINT, "lint: the certificate can't be read back", e);
    }
  }

  /**
   * Everything that was read and checked, encoded anew. Bouncy Castle reads more than it writes
   * (any tag for the version, any octet for TRUE); only what comes out the same is surely
   * understood.
   */
  private byte[] understood(
      TBSCertificate tbs,
      Validity validity,
      Expected expected,
      X500Name subject,
      Extensions extensions)
      throws IOException {
    V3TBSCertificateGenerator anew = new V3TBSCertificateGenerator();
    anew.setSerialNumber(tbs.getSerialNumber());
    anew.setSignature(issuer.signatureAlgorithm());
    anew.setIssuer(issuer.subject());
    anew.setStartDate(ValidityTimes.encode(validity.notBefore()));
    anew.setEndDate(ValidityTimes.encode(validity.notAfter()));
    anew.setSubject(subject);
    anew.setSubjectPublicKeyInfo(expected.key());
    anew.setExtensions(extensions);
    return anew.generateTBSCertificate().getEncoded(ASN1Encoding.DER);
  }

  /**
   * As the JDK sees it: the signature is not looked at for that. Where there is no DNS name it
   * would take a common name of one word for one, as others don't; then the gate alone has looked.
   */
  private void checkLimits(byte[] der, Set<SanName> names) throws IssuanceException, IOException {
    if (!issuer.limits().isNone() && names.stream().anyMatch(SanName.Dns.class::isInstance)) {
      byte[] unsigned = Signed.certificate(der, issuer.signatureAlgorithm(), new byte[] {0});
      require(
          issuer.limits().permits(AuthorityBuilder.parse(unsigned)),
          "it has a name that the name constraints over it forbid");
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
        "the issuer's name is not its subject");
    require(
        tbs.getIssuerUniqueId() == null && tbs.getSubjectUniqueId() == null,
        "it has unique identifiers");
    require(expected.key().equals(tbs.getSubjectPublicKeyInfo()), "it certifies another key");
  }

  private Validity checkValidity(TBSCertificate tbs, Expected expected) throws IssuanceException {
    Instant now = expected.now();
    Instant notBefore = ValidityTimes.decode(tbs.getStartDate());
    Instant notAfter = ValidityTimes.decode(tbs.getEndDate());
    require(!notBefore.isAfter(notAfter), "it ends before it begins");
    require(!notBefore.isBefore(issuer.notBefore()), "it begins before its issuer");
    require(!notAfter.isAfter(issuer.notAfter()), "it outlives its issuer");
    require(!notBefore.isAfter(now), "it begins in the future");
    require(
        !notBefore.isBefore(now.minus(LeafPlanner.BACK_DATED).minusSeconds(1)),
        "it is back-dated too far");
    require(!notAfter.isAfter(now.plus(expected.profile().cap())), "it lives longer than the cap");
    return new Validity(notBefore, notAfter);
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
        expected.profile().names().contains(LeafProfile.NameKind.SPIFFE)
            && expected.grant().spiffeId().isPresent();
    require(uris == (wantsUri ? 1 : 0), "it has not the URIs of its profile");
    require(names.size() > uris || !expected.profile().nameRequired(), "it needs a DNS or IP name");
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

  /** Exactly our extensions, each with the very octets that its profile has. */
  private Extensions checkExtensions(Extensions extensions, Expected expected)
      throws IssuanceException, IOException {
    boolean rsa = expected.keyType().keyAlgorithm().equals("RSA");
    Map<ASN1ObjectIdentifier, byte[]> wanted = new HashMap<>();
    wanted.put(Extension.basicConstraints, NO_CA);
    wanted.put(Extension.keyUsage, usage(expected.profile(), rsa));
    wanted.put(Extension.extendedKeyUsage, purposes(expected.profile()));
    wanted.put(Extension.subjectKeyIdentifier, concat(KEY_ID_HEAD, Octets.keyId(expected.key())));
    wanted.put(Extension.authorityKeyIdentifier, Lint.authorityKeyIdentifier(issuer.keyId()));
    Extension san = extensions.getExtension(Extension.subjectAlternativeName);
    if (san != null) {
      wanted.put(
          Extension.subjectAlternativeName,
          GeneralNames.getInstance(san.getParsedValue()).getEncoded(ASN1Encoding.DER));
    }
    if (issuer.isDelegate()) {
      wanted.put(NO_REV_AVAIL, NULL);
    }
    issuer.listUrl().ifPresent(url -> wanted.put(CRL_ADDRESS, CrlAddress.octets(url)));
    issuer.ocspUrl().ifPresent(url -> wanted.put(OCSP_ADDRESS, OcspAddress.octets(url)));
    ASN1ObjectIdentifier[] oids = extensions.getExtensionOIDs();
    require(oids.length == wanted.size(), "it has not exactly our extensions");
    Extension[] anew = new Extension[oids.length];
    for (int i = 0; i < oids.length; i++) {
      byte[] value = wanted.get(oids[i]);
      require(value != null, "it has the extension " + oids[i].getId());
      Extension extension = extensions.getExtension(oids[i]);
      require(
          Arrays.equals(extension.getExtnValue().getOctets(), value),
          "the extension " + oids[i].getId() + " is not that of the profile");
      boolean critical =
          oids[i].equals(Extension.basicConstraints) || oids[i].equals(Extension.keyUsage);
      require(extension.isCritical() == critical, oids[i].getId() + " has the wrong criticality");
      anew[i] = new Extension(oids[i], critical, value);
    }
    return new Extensions(anew);
  }

  /** A BIT STRING of the bits that a key of that family can have, none of them a CA's. */
  private static byte[] usage(LeafProfile profile, boolean rsa) throws IssuanceException {
    int bits = 0;
    for (LeafProfile.Usage usage : profile.usages()) {
      bits |=
          switch (usage) {
            case DIGITAL_SIGNATURE -> 0x80;
            case NON_REPUDIATION -> 0x40;
            case KEY_ENCIPHERMENT -> rsa ? 0x20 : 0;
            case DATA_ENCIPHERMENT -> rsa ? 0x10 : 0;
            case KEY_AGREEMENT -> rsa ? 0 : 0x08;
          };
    }
    require(bits != 0, "its key may be used for nothing");
    return concat(USAGE_HEAD, new byte[] {(byte) Integer.numberOfTrailingZeros(bits), (byte) bits});
  }

  private static byte[] purposes(LeafProfile profile) throws IssuanceException, IOException {
    ASN1EncodableVector oids = new ASN1EncodableVector();
    for (String purpose : profile.purposes()) {
      require(!ProfileLint.isNever(purpose), "it has a purpose that no leaf gets");
      oids.add(new ASN1ObjectIdentifier(purpose));
    }
    require(oids.size() > 0, "it would be good for every purpose");
    return new DERSequence(oids).getEncoded(ASN1Encoding.DER);
  }
}
