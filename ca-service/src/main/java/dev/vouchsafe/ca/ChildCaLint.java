package dev.vouchsafe.ca;

import static dev.vouchsafe.ca.Lint.concat;
import static dev.vouchsafe.ca.Lint.octets;
import static dev.vouchsafe.ca.Lint.require;

import dev.vouchsafe.ca.IssuanceException.Reason;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.ASN1PrintableString;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.asn1.ASN1TaggedObject;
import org.bouncycastle.asn1.ASN1UTF8String;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.TBSCertificate;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;

/**
 * Reads the very octets of a child CA's certificate that are about to be signed, and holds them
 * against its profile and its signer, knowing nothing of how they were made.
 */
final class ChildCaLint {
  private static final int VERSION_3 = 3;

  // The values of RFC 5280 section 4.2.1, written down as octets and not by the builder.
  private static final byte[] CA_WITH_PATH_HEAD = octets("30060101ff0201");
  private static final byte[] SIGNS_CERTIFICATES_AND_LISTS = octets("03020106");
  private static final byte[] KEY_ID_HEAD = octets("0414");
  private static final int SEQUENCE = 0x30;
  private static final int URI = 0x86;
  private static final int PERMITTED = 0xa0;
  private static final int EXCLUDED = 0xa1;
  private static final int URI_TAG = 6;

  private final GatewayIdentity gateway;
  private final LeafSigner signer;

  ChildCaLint(GatewayIdentity gateway, LeafSigner signer) {
    this.gateway = gateway;
    this.signer = signer;
  }

  /**
   * Throws {@link Reason#LINT} at the first rule that the octets break.
   *
   * @param der the TBSCertificate
   * @param serial the serial number that the ledger knows
   */
  void check(byte[] der, byte[] serial, ChildCa child, Instant now) throws IssuanceException {
    try {
      require(!signer.issuer().isDelegate(), "only the device CA certifies authorities");
      TBSCertificate tbs = TBSCertificate.getInstance(der);
      checkFrame(tbs, serial, child);
      checkValidity(tbs, child, now);
      Extensions extensions = checkExtensions(tbs.getExtensions(), child);
      require(
          Arrays.equals(understood(tbs, extensions), der),
          "it says more than was understood, or says it in another way");
      X509Certificate unsigned =
          AuthorityBuilder.parse(
              Signed.certificate(der, signer.issuer().signatureAlgorithm(), new byte[] {0}));
      require(
          signer.issuer().limits().permits(unsigned),
          "it has a name that the name constraints over it forbid");
    } catch (IOException
        | IllegalArgumentException
        | IllegalStateException
        | IndexOutOfBoundsException e) {
      // What Bouncy Castle throws where the encoding or a type inside it is wrong.
      throw new IssuanceException(Reason.LINT, "lint: the certificate can't be read back", e);
    }
  }

  private byte[] understood(TBSCertificate tbs, Extensions extensions) throws IOException {
    V3TBSCertificateGenerator anew = new V3TBSCertificateGenerator();
    anew.setSerialNumber(tbs.getSerialNumber());
    anew.setSignature(signer.issuer().signatureAlgorithm());
    anew.setIssuer(signer.issuer().subject());
    anew.setStartDate(ValidityTimes.encode(ValidityTimes.decode(tbs.getStartDate())));
    anew.setEndDate(ValidityTimes.encode(ValidityTimes.decode(tbs.getEndDate())));
    anew.setSubject(tbs.getSubject());
    anew.setSubjectPublicKeyInfo(tbs.getSubjectPublicKeyInfo());
    anew.setExtensions(extensions);
    return anew.generateTBSCertificate().getEncoded(ASN1Encoding.DER);
  }

  private void checkFrame(TBSCertificate tbs, byte[] wanted, ChildCa child)
      throws IssuanceException, IOException {
    byte[] serial = tbs.getSerialNumber().getValue().toByteArray();
    require(tbs.getVersionNumber() == VERSION_3, "the version is not 3");
    require(Serials.isOurs(serial), "the serial number has not our shape");
    require(Arrays.equals(serial, wanted), "the serial number is another");
    require(
        signer.issuer().signatureAlgorithm().equals(tbs.getSignature()),
        "the signature algorithm is not that of the signer's key");
    require(
        signer.issuer().hasSubject(tbs.getIssuer().getEncoded(ASN1Encoding.DER)),
        "the issuer's name is not the signer's subject");
    require(
        tbs.getIssuerUniqueId() == null && tbs.getSubjectUniqueId() == null,
        "it has unique identifiers");
    require(child.key().equals(tbs.getSubjectPublicKeyInfo()), "it certifies another key");
    checkSubject(tbs.getSubject(), serial, child);
  }

  private void checkSubject(X500Name subject, byte[] serial, ChildCa child)
      throws IssuanceException {
    RDN[] rdns = subject.getRDNs();
    require(
        rdns.length == 2
            && !rdns[0].isMultiValued()
            && !rdns[1].isMultiValued()
            && BCStyle.SERIALNUMBER.equals(rdns[0].getFirst().getType())
            && BCStyle.CN.equals(rdns[1].getFirst().getType()),
        "the subject is not a serial number and a CN");
    require(
        ASN1PrintableString.getInstance(rdns[0].getFirst().getValue())
            .getString()
            .equals(Octets.hex(serial)),
        "the serial number in the subject is another");
    require(
        ASN1UTF8String.getInstance(rdns[1].getFirst().getValue())
            .getString()
            .equals(child.commonName(gateway)),
        "the CN is another");
  }

  private void checkValidity(TBSCertificate tbs, ChildCa child, Instant now)
      throws IssuanceException {
    Instant notBefore = ValidityTimes.decode(tbs.getStartDate());
    Instant notAfter = ValidityTimes.decode(tbs.getEndDate());
    require(notBefore.isBefore(notAfter), "it ends before it begins");
    require(notAfter.isAfter(now), "it has ended already");
    require(!notBefore.isAfter(now), "it begins in the future");
    require(
        !notBefore.isBefore(now.minus(AuthorityBuilder.BACK_DATED).minusSeconds(1)),
        "it is back-dated too far");
    require(
        !notAfter.isAfter(now.plus(child.profile().lifetime())),
        "it lives longer than its profile says");
    require(!notBefore.isBefore(signer.issuer().notBefore()), "it begins before its signer");
    require(!notAfter.isAfter(signer.issuer().notAfter()), "it outlives its signer");
  }

  /** Exactly our extensions, each with the very octets that its profile has. */
  private Extensions checkExtensions(Extensions extensions, ChildCa child)
      throws IssuanceException, IOException {
    Map<ASN1ObjectIdentifier, byte[]> wanted = wanted(child);
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
          oids[i].equals(Extension.basicConstraints)
              || oids[i].equals(Extension.keyUsage)
              || (oids[i].equals(Extension.nameConstraints) && isCritical(child.profile()));
      require(extension.isCritical() == critical, oids[i].getId() + " has the wrong criticality");
      anew[i] = new Extension(oids[i], critical, value);
    }
    return new Extensions(anew);
  }

  /** What limits its signer is repeated as it is there. */
  private boolean isCritical(AuthorityProfile profile) {
    return above().isPresent()
        || profile.constraints() != AuthorityProfile.Constraints.NON_CRITICAL;
  }

  private Map<ASN1ObjectIdentifier, byte[]> wanted(ChildCa child)
      throws IssuanceException, IOException {
    int pathLength = child.profile().pathLength();
    require(pathLength >= 0, "a child CA has a path length");
    require(
        pathLength < signer.authority().certificate().getBasicConstraints(),
        "its signer may have no such authority under it");
    byte[] name = ascii("spiffe://" + child.trustDomain(gateway));
    Map<ASN1ObjectIdentifier, byte[]> wanted = new HashMap<>();
    wanted.put(
        Extension.basicConstraints, concat(CA_WITH_PATH_HEAD, new byte[] {(byte) pathLength}));
    wanted.put(Extension.keyUsage, SIGNS_CERTIFICATES_AND_LISTS);
    wanted.put(Extension.subjectKeyIdentifier, concat(KEY_ID_HEAD, Octets.keyId(child.key())));
    wanted.put(
        Extension.authorityKeyIdentifier, Lint.authorityKeyIdentifier(signer.issuer().keyId()));
    wanted.put(
        Extension.subjectAlternativeName,
        AuthorityLint.tagged(SEQUENCE, AuthorityLint.tagged(URI, name)));
    Optional<byte[]> constraints = constraints(child);
    if (constraints.isPresent()) {
      wanted.put(Extension.nameConstraints, constraints.get());
    }
    signer
        .issuer()
        .listUrl()
        .ifPresent(url -> wanted.put(Extension.cRLDistributionPoints, CrlAddress.octets(url)));
    return wanted;
  }

  private Optional<byte[]> above() {
    return Optional.ofNullable(
            signer.authority().certificate().getExtensionValue(Extension.nameConstraints.getId()))
        .map(value -> ASN1OctetString.getInstance(value).getOctets());
  }

  /** The signer's, with its own trust domain in the place of the URIs that they permit. */
  private Optional<byte[]> constraints(ChildCa child) throws IOException {
    if (child.profile().constraints() == AuthorityProfile.Constraints.NONE) {
      return above();
    }
    ByteArrayOutputStream permitted = new ByteArrayOutputStream();
    ByteArrayOutputStream excluded = new ByteArrayOutputStream();
    if (above().isPresent()) {
      for (ASN1Encodable element : ASN1Sequence.getInstance(above().get())) {
        ASN1TaggedObject trees = ASN1TaggedObject.getInstance(element);
        for (ASN1Encodable each : ASN1Sequence.getInstance(trees, false)) {
          ASN1Sequence tree = ASN1Sequence.getInstance(each);
          if (trees.getTagNo() == 1) {
            excluded.write(tree.getEncoded(ASN1Encoding.DER));
          } else if (ASN1TaggedObject.getInstance(tree.getObjectAt(0)).getTagNo() != URI_TAG) {
            permitted.write(tree.getEncoded(ASN1Encoding.DER));
          }
        }
      }
    }
    for (String host : new String[] {"", "."}) {
      byte[] uri = AuthorityLint.tagged(URI, ascii(host + child.trustDomain(gateway)));
      permitted.write(AuthorityLint.tagged(SEQUENCE, uri));
    }
    byte[] whole = AuthorityLint.tagged(PERMITTED, permitted.toByteArray());
    if (excluded.size() > 0) {
      whole = concat(whole, AuthorityLint.tagged(EXCLUDED, excluded.toByteArray()));
    }
    return Optional.of(AuthorityLint.tagged(SEQUENCE, whole));
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
