package dev.vouchsafe.ca;

import static dev.vouchsafe.ca.Lint.concat;
import static dev.vouchsafe.ca.Lint.octets;
import static dev.vouchsafe.ca.Lint.require;

import dev.vouchsafe.ca.AuthorityInfo.Role;
import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.ASN1PrintableString;
import org.bouncycastle.asn1.ASN1UTF8String;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.asn1.x509.TBSCertificate;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;

/**
 * Reads the very octets of an authority's certificate that are about to be signed, as {@link
 * LeafLint} does those of a leaf: an authority may nothing that its signer may not.
 */
final class AuthorityLint {
  /**
   * What the octets must agree with.
   *
   * @param row the authority that they are about
   * @param key its key
   * @param signer who is to sign; nobody else, if it signs itself
   * @param cap the longest it may live
   * @param now the time at which it is made
   */
  record Expected(
      AuthorityRow row,
      PublicKey key,
      Optional<StoredAuthority> signer,
      Duration cap,
      Instant now) {}

  private static final int VERSION_3 = 3;

  // The values of RFC 5280 section 4.2.1, written down as octets and not by the builder.
  private static final byte[] CA = octets("30030101ff");
  private static final byte[] CA_WITH_PATH_HEAD = octets("30060101ff0201");
  private static final byte[] SIGNS_CERTIFICATES_AND_LISTS = octets("03020106");
  private static final byte[] SIGNS_CERTIFICATES = octets("03020204");
  private static final byte[] KEY_ID_HEAD = octets("0414");
  private static final int URI = 0x86;
  private static final int OCTET_STRING = 0x04;

  /** id-ce-nameConstraints (RFC 5280 section 4.2.1.10). */
  private static final ASN1ObjectIdentifier NAME_CONSTRAINTS =
      new ASN1ObjectIdentifier("2.5.29.30");

  private final GatewayIdentity identity;

  AuthorityLint(GatewayIdentity identity) {
    this.identity = identity;
  }

  /**
   * Throws {@link Reason#LINT} at the first rule that the octets break.
   *
   * @param der the TBSCertificate
   * @param serial the serial number that the ledger knows
   */
  void check(byte[] der, byte[] serial, Expected expected) throws IssuanceException {
    try {
      TBSCertificate tbs = TBSCertificate.getInstance(der);
      checkFrame(tbs, serial, expected);
      checkValidity(tbs, expected);
      Extensions extensions = checkExtensions(tbs.getExtensions(), expected);
      require(
          Arrays.equals(understood(tbs, extensions), der),
          "it says more than was understood, or says it in another way");
    } catch (IOException
        | IllegalArgumentException
        | IllegalStateException
        | IndexOutOfBoundsException e) {
      // What Bouncy Castle throws where the encoding or a type inside it is wrong.
      throw new IssuanceException(Reason.LINT, "lint: the certificate can't be read back", e);
    }
  }

  private static byte[] understood(TBSCertificate tbs, Extensions extensions) throws IOException {
    V3TBSCertificateGenerator anew = new V3TBSCertificateGenerator();
    anew.setSerialNumber(tbs.getSerialNumber());
    anew.setSignature(tbs.getSignature());
    anew.setIssuer(tbs.getIssuer());
    anew.setStartDate(ValidityTimes.encode(ValidityTimes.decode(tbs.getStartDate())));
    anew.setEndDate(ValidityTimes.encode(ValidityTimes.decode(tbs.getEndDate())));
    anew.setSubject(tbs.getSubject());
    anew.setSubjectPublicKeyInfo(tbs.getSubjectPublicKeyInfo());
    anew.setExtensions(extensions);
    return anew.generateTBSCertificate().getEncoded(ASN1Encoding.DER);
  }

  private static void checkFrame(TBSCertificate tbs, byte[] wanted, Expected expected)
      throws IssuanceException, IOException {
    byte[] serial = tbs.getSerialNumber().getValue().toByteArray();
    require(tbs.getVersionNumber() == VERSION_3, "the version is not 3");
    require(Serials.isOurs(serial), "the serial number has not our shape");
    require(Arrays.equals(serial, wanted), "the serial number is another");
    require(
        SignatureAlgorithms.of(
                expected.signer().map(StoredAuthority::row).orElse(expected.row()).keyType())
            .equals(tbs.getSignature()),
        "the signature algorithm is not that of the signer's key");
    require(
        tbs.getIssuerUniqueId() == null && tbs.getSubjectUniqueId() == null,
        "it has unique identifiers");
    require(
        SubjectPublicKeyInfo.getInstance(expected.key().getEncoded())
            .equals(tbs.getSubjectPublicKeyInfo()),
        "it certifies another key");
    checkSubject(tbs.getSubject(), serial);
    byte[] issuer =
        expected.signer().isPresent()
            ? expected.signer().get().certificate().getSubjectX500Principal().getEncoded()
            : tbs.getSubject().getEncoded(ASN1Encoding.DER);
    require(
        Arrays.equals(tbs.getIssuer().getEncoded(ASN1Encoding.DER), issuer),
        "the issuer's name is not the signer's subject");
  }

  /** Two authorities of one name could not be told apart: the serial number stands in it. */
  private static void checkSubject(X500Name subject, byte[] serial) throws IssuanceException {
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
    String name = ASN1UTF8String.getInstance(rdns[1].getFirst().getValue()).getString();
    require(
        !name.isEmpty() && name.length() <= LeafPlan.LONGEST_COMMON_NAME,
        "the CN has not 1 to 64 characters");
  }

  private static void checkValidity(TBSCertificate tbs, Expected expected)
      throws IssuanceException {
    Instant notBefore = ValidityTimes.decode(tbs.getStartDate());
    Instant notAfter = ValidityTimes.decode(tbs.getEndDate());
    Instant now = expected.now();
    require(notBefore.isBefore(notAfter), "it ends before it begins");
    require(notAfter.isAfter(now), "it has ended already");
    require(!notBefore.isAfter(now), "it begins in the future");
    require(
        !notBefore.isBefore(now.minus(AuthorityBuilder.BACK_DATED).minusSeconds(1)),
        "it is back-dated too far");
    require(!notAfter.isAfter(now.plus(expected.cap())), "it lives longer than the cap");
    if (expected.signer().isPresent()) {
      StoredAuthority signer = expected.signer().get();
      require(
          !notBefore.isBefore(signer.certificate().getNotBefore().toInstant()),
          "it begins before its signer");
      require(!notAfter.isAfter(signer.end()), "it outlives its signer");
    }
  }

  /** Exactly our extensions, each with the very octets that such an authority has. */
  private Extensions checkExtensions(Extensions extensions, Expected expected)
      throws IssuanceException {
    Map<ASN1ObjectIdentifier, byte[]> wanted = wanted(expected);
    ASN1ObjectIdentifier[] oids = extensions.getExtensionOIDs();
    require(oids.length == wanted.size(), "it has not exactly our extensions");
    Extension[] anew = new Extension[oids.length];
    for (int i = 0; i < oids.length; i++) {
      byte[] value = wanted.get(oids[i]);
      require(value != null, "it has the extension " + oids[i].getId());
      Extension extension = extensions.getExtension(oids[i]);
      require(
          Arrays.equals(extension.getExtnValue().getOctets(), value),
          "the extension " + oids[i].getId() + " is not that of such an authority");
      boolean critical =
          oids[i].equals(Extension.basicConstraints)
              || oids[i].equals(Extension.keyUsage)
              || oids[i].equals(NAME_CONSTRAINTS);
      require(extension.isCritical() == critical, oids[i].getId() + " has the wrong criticality");
      anew[i] = new Extension(oids[i], critical, value);
    }
    return new Extensions(anew);
  }

  private Map<ASN1ObjectIdentifier, byte[]> wanted(Expected expected) throws IssuanceException {
    SubjectPublicKeyInfo own = SubjectPublicKeyInfo.getInstance(expected.key().getEncoded());
    byte[] signer =
        expected.signer().map(it -> KeyIds.of(it.certificate())).orElseGet(() -> Octets.keyId(own));
    byte[] name = ("spiffe://" + identity.trustDomain()).getBytes(StandardCharsets.US_ASCII);
    Map<ASN1ObjectIdentifier, byte[]> wanted = new HashMap<>();
    wanted.put(Extension.basicConstraints, constraints(expected));
    wanted.put(
        Extension.keyUsage,
        expected.row().role() == Role.ISSUING ? SIGNS_CERTIFICATES : SIGNS_CERTIFICATES_AND_LISTS);
    wanted.put(Extension.subjectKeyIdentifier, concat(KEY_ID_HEAD, Octets.keyId(own)));
    wanted.put(Extension.authorityKeyIdentifier, Lint.authorityKeyIdentifier(signer));
    wanted.put(Extension.subjectAlternativeName, tagged(0x30, tagged(URI, name)));
    if (expected.signer().isPresent()) {
      byte[] limits =
          expected.signer().get().certificate().getExtensionValue(NAME_CONSTRAINTS.getId());
      if (limits != null) {
        wanted.put(NAME_CONSTRAINTS, insideOctetString(limits));
      }
    }
    return wanted;
  }

  /** What a DER OCTET STRING holds (X.690 section 8.7), read here and by no builder. */
  private static byte[] insideOctetString(byte[] der) throws IssuanceException {
    require(der.length >= 2 && der[0] == OCTET_STRING, "its signer's name constraints are broken");
    int length = der[1] & 0xff;
    int head = length < 0x80 ? 2 : 2 + (length & 0x7f);
    byte[] inside = Arrays.copyOfRange(der, head, der.length);
    require(
        Arrays.equals(tagged(OCTET_STRING, inside), der),
        "its signer's name constraints are broken");
    return inside;
  }

  private byte[] constraints(Expected expected) throws IssuanceException {
    int limit =
        switch (expected.row().role()) {
          case ROOT -> -1;
          case DEVICE -> AuthorityPlan.pathLength(identity.layer());
          case ISSUING -> 0;
        };
    int above =
        expected
            .signer()
            .map(it -> it.certificate().getBasicConstraints())
            .orElse(Integer.MAX_VALUE);
    require(limit < above, "its signer may have no such authority under it");
    return limit < 0 ? CA : concat(CA_WITH_PATH_HEAD, new byte[] {(byte) limit});
  }

  static byte[] tagged(int tag, byte[] value) {
    int length = value.length;
    byte[] head;
    if (length < 0x80) {
      head = new byte[] {(byte) tag, (byte) length};
    } else if (length <= 0xff) {
      head = new byte[] {(byte) tag, (byte) 0x81, (byte) length};
    } else {
      head = new byte[] {(byte) tag, (byte) 0x82, (byte) (length >> 8), (byte) length};
    }
    return concat(head, value);
  }
}
