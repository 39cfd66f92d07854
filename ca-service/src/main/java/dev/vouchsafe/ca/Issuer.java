package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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
  private final boolean delegate;
  private final Optional<String> listUrl;

  Issuer(String id, String trustDomain, KeyType keyType, X509Certificate certificate)
      throws IOException {
    this(id, trustDomain, keyType, certificate, "", false);
  }

  /**
   * @param above the chain over it, PEM; empty if that is only what those who verify trust
   * @param delegate whether it is an issuing CA
   */
  private Issuer(
      String id,
      String trustDomain,
      KeyType keyType,
      X509Certificate certificate,
      String above,
      boolean delegate)
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
    this.keyId = KeyIds.of(certificate);
    this.signatureAlgorithm = SignatureAlgorithms.of(keyType);
    this.pem = Pem.certificate(der) + above;
    this.delegate = delegate;
    this.listUrl = Optional.empty();
  }

  private Issuer(Issuer same, Optional<String> listUrl) {
    this.id = same.id;
    this.trustDomain = same.trustDomain;
    this.keyType = same.keyType;
    this.notBefore = same.notBefore;
    this.notAfter = same.notAfter;
    this.subject = same.subject;
    this.subjectDer = same.subjectDer;
    this.keyId = same.keyId;
    this.signatureAlgorithm = same.signatureAlgorithm;
    this.pem = same.pem;
    this.delegate = same.delegate;
    this.listUrl = listUrl;
  }

  /**
   * The same, whose leaves name its revocation list.
   *
   * @param base the URL of the folder of the lists; absent if they name none
   */
  Issuer listedAt(Optional<String> base) {
    return new Issuer(this, base.map(url -> url + "/" + id + ".crl"));
  }

  /** Where its revocation list is, if its leaves are to say so. */
  Optional<String> listUrl() {
    return listUrl;
  }

  /** That authority of the gateway, by itself. */
  static Issuer of(LedgerReader.StoredAuthority authority, GatewayIdentity identity)
      throws IOException {
    return of(authority, identity, List.of());
  }

  /**
   * That authority of the gateway.
   *
   * @param above the certificates between it and the one that those who verify trust
   */
  static Issuer of(
      LedgerReader.StoredAuthority authority, GatewayIdentity identity, List<X509Certificate> above)
      throws IOException {
    AuthorityRow row = authority.row();
    StringBuilder chain = new StringBuilder();
    try {
      for (X509Certificate certificate : above) {
        chain.append(Pem.certificate(certificate.getEncoded()));
      }
    } catch (CertificateEncodingException e) {
      throw new IOException("the chain over " + row.id() + " can't be encoded", e);
    }
    return new Issuer(
        row.id(),
        identity.trustDomain(),
        row.keyType(),
        authority.certificate(),
        chain.toString(),
        false);
  }

  /** An issuing CA under that device CA. */
  static Issuer ofDelegate(LedgerReader.StoredAuthority authority, Issuer device)
      throws IOException {
    AuthorityRow row = authority.row();
    return new Issuer(
        row.id(), device.trustDomain(), row.keyType(), authority.certificate(), device.pem(), true);
  }

  /** Whether it is an issuing CA, whose leaves nobody revokes. */
  boolean isDelegate() {
    return delegate;
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

  /** Its certificate and those over it but the root's, PEM. */
  String pem() {
    return pem;
  }
}
