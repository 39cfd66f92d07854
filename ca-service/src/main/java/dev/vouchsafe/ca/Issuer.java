package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Certificate;

/** An authority's certificate, taken apart once into what issuing and linting need of it. */
final class Issuer {
  private final String id;
  private final String trustDomain;
  private final KeyType keyType;
  private final Instant notBefore;
  private final Instant notAfter;
  private final X500Name subject;
  private final byte[] subjectDer;
  private final byte[] keyId;
  private final AlgorithmIdentifier signatureAlgorithm;
  private final String pem;

  Issuer(String id, String trustDomain, KeyType keyType, X509Certificate certificate)
      throws IOException {
    byte[] der;
    try {
      der = certificate.getEncoded();
    } catch (CertificateEncodingException e) {
      throw new IOException("the certificate of " + id + " can't be encoded", e);
    }
    Certificate parsed = Certificate.getInstance(der);
    this.id = id;
    this.trustDomain = trustDomain;
    this.keyType = keyType;
    this.notBefore = certificate.getNotBefore().toInstant();
    this.notAfter = certificate.getNotAfter().toInstant();
    this.subject = parsed.getSubject();
    this.subjectDer = subject.getEncoded();
    this.keyId = Octets.keyId(parsed.getSubjectPublicKeyInfo());
    this.signatureAlgorithm = SignatureAlgorithms.of(keyType);
    this.pem = Pem.certificate(der);
  }

  /** That authority of the gateway. */
  static Issuer of(LedgerReader.StoredAuthority authority, GatewayIdentity identity)
      throws IOException {
    AuthorityRow row = authority.row();
    return new Issuer(row.id(), identity.trustDomain(), row.keyType(), authority.certificate());
  }

  String id() {
    return id;
  }

  String trustDomain() {
    return trustDomain;
  }

  KeyType keyType() {
    return keyType;
  }

  Instant notBefore() {
    return notBefore;
  }

  Instant notAfter() {
    return notAfter;
  }

  boolean isValidAt(Instant now) {
    return !now.isBefore(notBefore) && !now.isAfter(notAfter);
  }

  X500Name subject() {
    return subject;
  }

  boolean hasSubject(byte[] der) {
    return Arrays.equals(subjectDer, der);
  }

  byte[] keyId() {
    return keyId.clone();
  }

  AlgorithmIdentifier signatureAlgorithm() {
    return signatureAlgorithm;
  }

  String pem() {
    return pem;
  }
}
