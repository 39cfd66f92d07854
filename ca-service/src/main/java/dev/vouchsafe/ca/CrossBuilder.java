package dev.vouchsafe.ca;

import dev.vouchsafe.ca.LedgerReader.StoredAuthority;
import java.io.IOException;
import java.math.BigInteger;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Objects;
import org.bouncycastle.asn1.ASN1Encoding;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.x509.AuthorityKeyIdentifier;
import org.bouncycastle.asn1.x509.Certificate;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.Extensions;
import org.bouncycastle.asn1.x509.ExtensionsGenerator;
import org.bouncycastle.asn1.x509.SubjectKeyIdentifier;
import org.bouncycastle.asn1.x509.TBSCertificate;
import org.bouncycastle.asn1.x509.V3TBSCertificateGenerator;

/**
 * Encodes the TBSCertificate by which one root vouches for the key of another (RFC 9810 section
 * 4.4): it says of that root what its own certificate says, whoever made that, and nothing more.
 */
final class CrossBuilder {
  private final StoredAuthority subject;
  private final StoredAuthority signer;
  private final Instant now;

  CrossBuilder(StoredAuthority subject, StoredAuthority signer, Instant now) {
    this.subject = subject;
    this.signer = signer;
    this.now = now;
  }

  byte[] tbs(byte[] serial) {
    try {
      TBSCertificate own = tbsOf(subject.certificate());
      TBSCertificate over = tbsOf(signer.certificate());
      V3TBSCertificateGenerator tbs = new V3TBSCertificateGenerator();
      tbs.setSerialNumber(new ASN1Integer(new BigInteger(1, serial)));
      tbs.setSignature(SignatureAlgorithms.of(signer.row().keyType()));
      tbs.setIssuer(over.getSubject());
      tbs.setStartDate(ValidityTimes.encode(notBefore()));
      tbs.setEndDate(ValidityTimes.encode(notAfter(subject, signer)));
      tbs.setSubject(own.getSubject());
      tbs.setSubjectPublicKeyInfo(own.getSubjectPublicKeyInfo());
      tbs.setExtensions(extensions(own.getExtensions(), over.getExtensions()));
      return tbs.generateTBSCertificate().getEncoded(ASN1Encoding.DER);
    } catch (IOException | CertificateEncodingException e) {
      throw new IllegalStateException("encoding into memory does not fail", e);
    }
  }

  private static TBSCertificate tbsOf(X509Certificate certificate)
      throws CertificateEncodingException {
    return Certificate.getInstance(certificate.getEncoded()).getTBSCertificate();
  }

  private Instant notBefore() {
    Instant backDated = now.minus(AuthorityBuilder.BACK_DATED);
    Instant begin = signer.certificate().getNotBefore().toInstant();
    return begin.isAfter(backDated) ? begin : backDated;
  }

  /** With the first of all that it rests on: the subject, the signer, and those over the signer. */
  static Instant notAfter(StoredAuthority subject, StoredAuthority signer) {
    Instant end = subject.certificate().getNotAfter().toInstant();
    return signer.end().isBefore(end) ? signer.end() : end;
  }

  /**
   * What limits the subject, as its own certificate has it, and who is whose key. Not where its own
   * signer's lists and servers are: it has another signer here.
   */
  private Extensions extensions(Extensions own, Extensions over) throws IOException {
    ExtensionsGenerator extensions = new ExtensionsGenerator();
    copy(own, Extension.basicConstraints, true, extensions);
    copy(own, Extension.keyUsage, true, extensions);
    extensions.addExtension(
        Extension.subjectKeyIdentifier,
        false,
        new SubjectKeyIdentifier(KeyIds.of(subject.certificate())));
    extensions.addExtension(
        Extension.authorityKeyIdentifier,
        false,
        new AuthorityKeyIdentifier(KeyIds.of(signer.certificate())));
    copy(own, Extension.extendedKeyUsage, false, extensions);
    copy(own, Extension.subjectAlternativeName, false, extensions);
    // All under one with name constraints repeat them; some verifiers look only at the last.
    copy(
        own.getExtension(Extension.nameConstraints) == null ? over : own,
        Extension.nameConstraints,
        true,
        extensions);
    return extensions.generate();
  }

  private static void copy(
      Extensions from, ASN1ObjectIdentifier oid, boolean critical, ExtensionsGenerator into) {
    Extension extension = from.getExtension(oid);
    if (extension != null) {
      into.addExtension(
          oid, critical, Objects.requireNonNull(extension.getExtnValue()).getOctets());
    }
  }
}
