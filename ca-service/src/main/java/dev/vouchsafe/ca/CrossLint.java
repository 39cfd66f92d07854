package dev.vouchsafe.ca;

import static dev.vouchsafe.ca.Lint.concat;
import static dev.vouchsafe.ca.Lint.require;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.io.IOException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Certificate;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.TBSCertificate;

/**
 * Reads the very octets by which one root is about to vouch for the key of another: it says of that
 * root what its own certificate says, whoever made that, and lives no longer than either.
 */
final class CrossLint {
  private static final int VERSION_3 = 3;
  private static final int OCTET_STRING = 0x04;

  private CrossLint() {}

  /**
   * Throws {@link Reason#LINT} at the first rule that the octets break.
   *
   * @param der the TBSCertificate
   * @param serial the serial number that the ledger is to know
   */
  static void check(
      byte[] der, byte[] serial, StoredAuthority subject, StoredAuthority issuer, Instant now)
      throws IssuanceException {
    try {
      TBSCertificate tbs = TBSCertificate.getInstance(der);
      TBSCertificate own = tbsOf(subject.certificate());
      TBSCertificate signer = tbsOf(issuer.certificate());
      require(Arrays.equals(tbs.getEncoded("DER"), der), "it is not in DER");
      require(tbs.getVersionNumber() == VERSION_3, "the version is not 3");
      require(
          Arrays.equals(tbs.getSerialNumber().getValue().toByteArray(), serial)
              && Serials.isOurs(serial),
          "the serial number is another");
      require(
          SignatureAlgorithms.of(issuer.row().keyType()).equals(tbs.getSignature()),
          "the signature algorithm is not that of the signer's key");
      require(
          tbs.getIssuerUniqueId() == null && tbs.getSubjectUniqueId() == null,
          "it has unique identifiers");
      require(isSame(tbs.getIssuer(), signer.getSubject()), "the issuer's name is another");
      require(isSame(tbs.getSubject(), own.getSubject()), "the subject's name is another");
      require(!isSame(tbs.getSubject(), tbs.getIssuer()), "the two have one name");
      require(
          tbs.getSubjectPublicKeyInfo().equals(own.getSubjectPublicKeyInfo()),
          "it certifies another key");
      checkValidity(tbs, subject.certificate(), issuer, now);
      checkExtensions(tbs.getExtensions(), wanted(own, signer, subject, issuer));
    } catch (IOException | CertificateEncodingException | IllegalArgumentException e) {
      throw new IssuanceException(Reason.LINT, "lint: the certificate can't be read back", e);
    }
  }

  private static TBSCertificate tbsOf(X509Certificate certificate)
      throws CertificateEncodingException {
    return Certificate.getInstance(certificate.getEncoded()).getTBSCertificate();
  }

  /** To the octet: those who verify need not take names for equal that are written differently. */
  private static boolean isSame(X500Name one, X500Name other) throws IOException {
    return Arrays.equals(one.getEncoded(), other.getEncoded());
  }

  private static void checkValidity(
      TBSCertificate tbs, X509Certificate subject, StoredAuthority signer, Instant now)
      throws IssuanceException {
    X509Certificate issuer = signer.certificate();
    Instant notBefore = ValidityTimes.decode(tbs.getStartDate());
    Instant notAfter = ValidityTimes.decode(tbs.getEndDate());
    require(!notBefore.isAfter(now) && notAfter.isAfter(now), "it is not valid now");
    require(
        !notBefore.isBefore(issuer.getNotBefore().toInstant())
            && !notBefore.isBefore(now.minus(AuthorityBuilder.BACK_DATED).minusSeconds(1)),
        "it begins too early");
    require(!notAfter.isAfter(issuer.getNotAfter().toInstant()), "it outlives its signer");
    require(!notAfter.isAfter(subject.getNotAfter().toInstant()), "it outlives its subject");
    for (X509Certificate above : signer.above()) {
      require(!notAfter.isAfter(above.getNotAfter().toInstant()), "it outlives a CA over it");
    }
  }

  /** What it must say, to the octet: what limits the subject, and who is whose key. */
  private static Map<ASN1ObjectIdentifier, byte[]> wanted(
      TBSCertificate own, TBSCertificate over, StoredAuthority subject, StoredAuthority signer) {
    Map<ASN1ObjectIdentifier, byte[]> wanted = new HashMap<>();
    put(wanted, Extension.basicConstraints, own);
    put(wanted, Extension.keyUsage, own);
    put(wanted, Extension.extendedKeyUsage, own);
    put(wanted, Extension.subjectAlternativeName, own);
    put(wanted, Extension.nameConstraints, over);
    put(wanted, Extension.nameConstraints, own);
    byte[] keyId = KeyIds.of(subject.certificate());
    wanted.put(
        Extension.subjectKeyIdentifier,
        concat(new byte[] {OCTET_STRING, (byte) keyId.length}, keyId));
    wanted.put(
        Extension.authorityKeyIdentifier,
        Lint.authorityKeyIdentifier(KeyIds.of(signer.certificate())));
    return wanted;
  }

  private static void put(
      Map<ASN1ObjectIdentifier, byte[]> wanted, ASN1ObjectIdentifier oid, TBSCertificate of) {
    Extension extension = of.getExtensions().getExtension(oid);
    if (extension != null) {
      wanted.put(oid, extension.getExtnValue().getOctets());
    }
  }

  private static void checkExtensions(
      Extensions extensions, Map<ASN1ObjectIdentifier, byte[]> wanted) throws IssuanceException {
    ASN1ObjectIdentifier[] oids = extensions.getExtensionOIDs();
    require(
        wanted.containsKey(Extension.basicConstraints) && wanted.containsKey(Extension.keyUsage),
        "its subject is no CA");
    require(oids.length == wanted.size(), "it has not the extensions of its subject");
    for (ASN1ObjectIdentifier oid : oids) {
      Extension extension = extensions.getExtension(oid);
      byte[] value = wanted.get(oid);
      require(value != null, "it has the extension " + oid.getId());
      boolean critical =
          oid.equals(Extension.basicConstraints)
              || oid.equals(Extension.keyUsage)
              || oid.equals(Extension.nameConstraints);
      require(
          extension.isCritical() == critical
              && Arrays.equals(extension.getExtnValue().getOctets(), value),
          "the extension " + oid.getId() + " is not that of its subject");
    }
  }
}
