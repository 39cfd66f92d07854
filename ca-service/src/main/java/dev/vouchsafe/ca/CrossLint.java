package dev.vouchsafe.ca;

import static dev.vouchsafe.ca.Lint.concat;
import static dev.vouchsafe.ca.Lint.octets;
import static dev.vouchsafe.ca.Lint.require;

import dev.vouchsafe.ca.IssuanceException.Reason;
import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.io.IOException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x509.Certificate;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.TBSCertificate;

/**
 * Reads the very octets by which one root is about to vouch for the key of another: it says of that
 * root what its own certificate says, and lives no longer than either.
 */
final class CrossLint {
  private static final byte[] AUTHORITY_KEY_ID_HEAD = octets("3016" + "8014");
  private static final int VERSION_3 = 3;

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
      require(tbs.getIssuer().equals(signer.getSubject()), "the issuer's name is another");
      require(tbs.getSubject().equals(own.getSubject()), "the subject's name is another");
      require(
          tbs.getSubjectPublicKeyInfo().equals(own.getSubjectPublicKeyInfo()),
          "it certifies another key");
      checkValidity(tbs, subject.certificate(), issuer.certificate(), now);
      checkExtensions(tbs.getExtensions(), own.getExtensions(), signer);
    } catch (IOException | CertificateEncodingException | IllegalArgumentException e) {
      throw new IssuanceException(Reason.LINT, "lint: the certificate can't be read back", e);
    }
  }

  private static TBSCertificate tbsOf(X509Certificate certificate)
      throws CertificateEncodingException {
    return Certificate.getInstance(certificate.getEncoded()).getTBSCertificate();
  }

  private static void checkValidity(
      TBSCertificate tbs, X509Certificate subject, X509Certificate issuer, Instant now)
      throws IssuanceException {
    Instant notBefore = ValidityTimes.decode(tbs.getStartDate());
    Instant notAfter = ValidityTimes.decode(tbs.getEndDate());
    require(!notBefore.isAfter(now) && notAfter.isAfter(now), "it is not valid now");
    require(
        !notBefore.isBefore(issuer.getNotBefore().toInstant())
            && !notBefore.isBefore(now.minus(AuthorityBuilder.BACK_DATED).minusSeconds(1)),
        "it begins too early");
    require(!notAfter.isAfter(issuer.getNotAfter().toInstant()), "it outlives its signer");
    require(!notAfter.isAfter(subject.getNotAfter().toInstant()), "it outlives its subject");
  }

  /** Those of the subject's own certificate, but for the key that signs. */
  private static void checkExtensions(Extensions extensions, Extensions own, TBSCertificate signer)
      throws IssuanceException {
    ASN1ObjectIdentifier[] oids = extensions.getExtensionOIDs();
    require(
        oids.length == own.getExtensionOIDs().length, "it has not the extensions of its subject");
    byte[] signerKeyId =
        concat(AUTHORITY_KEY_ID_HEAD, Octets.keyId(signer.getSubjectPublicKeyInfo()));
    for (ASN1ObjectIdentifier oid : oids) {
      Extension extension = extensions.getExtension(oid);
      Extension wanted = own.getExtension(oid);
      require(wanted != null, "it has the extension " + oid.getId());
      byte[] value =
          oid.equals(Extension.authorityKeyIdentifier)
              ? signerKeyId
              : wanted.getExtnValue().getOctets();
      require(
          extension.isCritical() == wanted.isCritical()
              && Arrays.equals(extension.getExtnValue().getOctets(), value),
          "the extension " + oid.getId() + " is not that of its subject");
    }
  }
}
