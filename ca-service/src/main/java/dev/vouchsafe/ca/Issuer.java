package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.io.IOException;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.AlgorithmIdentifier;
import org.bouncycastle.asn1.x509.Certificate;

/** An authority's certificate, taken apart once into what issuing and linting need of it. */
final class Issuer {
  /** What its leaves say of where others learn whether they were revoked. */
  private record Told(Optional<String> listUrl, Optional<String> ocspUrl) {
    static final Told NOTHING = new Told(Optional.empty(), Optional.empty());
  }

  private final String id;
  private final String trustDomain;
  private final KeyType keyType;
  private final Instant notBefore;
  private final Instant notAfter;
  private final Instant chainEnd;
  private final X500Name subject;
  private final byte[] subjectDer;
  private final byte[] keyId;
  private final AlgorithmIdentifier signatureAlgorithm;
  private final String pem;
  private final boolean delegate;
  private final Told told;
  private final NameLimits limits;
  private final Set<Profile> unsigned;

  Issuer(String id, String trustDomain, KeyType keyType, X509Certificate certificate)
      throws IOException {
    this(
        id,
        trustDomain,
        keyType,
        certificate,
        certificate.getNotAfter().toInstant(),
        Instant.MAX,
        "",
        false);
  }

  /**
   * @param end when it ends, or the first of those over it
   * @param chainEnd when the first in that chain ends, if that is before the end
   * @param above the chain over it, PEM; empty if that is only what those who verify trust
   * @param delegate whether it is an issuing CA
   */
  private Issuer(
      String id,
      String trustDomain,
      KeyType keyType,
      X509Certificate certificate,
      Instant end,
      Instant chainEnd,
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
    this.notAfter = end;
    this.chainEnd = chainEnd;
    this.subject = parsed.getSubject();
    this.subjectDer = subject.getEncoded();
    this.keyId = KeyIds.of(certificate);
    this.signatureAlgorithm = SignatureAlgorithms.of(keyType);
    this.pem = Pem.certificate(der) + above;
    this.delegate = delegate;
    this.told = Told.NOTHING;
    this.limits = NameLimits.NONE;
    this.unsigned = Set.of();
  }

  private Issuer(Issuer same, Told told, NameLimits limits, Set<Profile> unsigned) {
    this.id = same.id;
    this.trustDomain = same.trustDomain;
    this.keyType = same.keyType;
    this.notBefore = same.notBefore;
    this.notAfter = same.notAfter;
    this.chainEnd = same.chainEnd;
    this.subject = same.subject;
    this.subjectDer = same.subjectDer;
    this.keyId = same.keyId;
    this.signatureAlgorithm = same.signatureAlgorithm;
    this.pem = same.pem;
    this.delegate = same.delegate;
    this.told = told;
    this.limits = limits;
    this.unsigned = unsigned;
  }

  /** The same, whose leaves have no names but those. */
  Issuer within(NameLimits other) {
    return new Issuer(this, told, other, unsigned);
  }

  /** The same, which signs nothing of those profiles. */
  Issuer without(Set<Profile> profiles) {
    return new Issuer(this, told, limits, Set.copyOf(profiles));
  }

  /** The names that those over it, and it, may have certified. */
  NameLimits limits() {
    return limits;
  }

  /** Whether it signs certificates of that profile. */
  boolean signs(Profile profile) {
    return !unsigned.contains(profile);
  }

  /** The same, whose leaves name its revocation list and who answers for it, if they are to. */
  Issuer telling(RevocationSettings settings) {
    Told all = new Told(settings.baseUrl().map(url -> url + "/" + id + ".crl"), settings.ocspUrl());
    return new Issuer(this, all, limits, unsigned);
  }

  /** Where OCSP requests about its leaves are answered, if they are to say so. */
  Optional<String> ocspUrl() {
    return told.ocspUrl();
  }

  /** Where its revocation list is, if its leaves are to say so. */
  Optional<String> listUrl() {
    return told.listUrl();
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
        authority.end(),
        above.stream()
            .map(it -> it.getNotAfter().toInstant())
            .filter(authority.end()::isAfter)
            .min(Instant::compareTo)
            .orElse(Instant.MAX),
        chain.toString(),
        false);
  }

  /** An issuing CA under that device CA. */
  static Issuer ofDelegate(LedgerReader.StoredAuthority authority, Issuer device)
      throws IOException {
    AuthorityRow row = authority.row();
    return new Issuer(
            row.id(),
            device.trustDomain(),
            row.keyType(),
            authority.certificate(),
            device.notAfter().isBefore(authority.end()) ? device.notAfter() : authority.end(),
            device.chainEnd,
            device.pem(),
            true)
        .within(device.limits());
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

  /**
   * The latest moment to ask for the next certificate: while this one is good, something in the
   * chain that is handed out with it may end, and the next chain is without that.
   *
   * @param renewAfter when to ask for it otherwise
   * @param random from 0 to 1, so that a fleet does not come back at once
   */
  Instant renewal(Instant renewAfter, Instant now, double random) {
    if (chainEnd.equals(Instant.MAX)) {
      return renewAfter;
    }
    long late = (long) (Vouchers.SOON.toSeconds() * (1 - random / 2));
    Instant latest = chainEnd.minusSeconds(late);
    return latest.isBefore(renewAfter) ? (latest.isBefore(now) ? now : latest) : renewAfter;
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
