package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.trust.BundleContent;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.EdECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The certificates of an authority from outside, from its own up to one that is signed by itself,
 * each of which was held against what we demand of an authority over us.
 *
 * @param certificates the authority's own first, the one that is signed by itself last
 */
record OutsideChain(List<X509Certificate> certificates) {
  /** With our own authorities and a leaf, more would be more than verifiers take. */
  static final int MOST = 4;

  /** A CA that ends sooner than this is a mistake, not an authority. */
  private static final Duration LEAST_LIFE = Duration.ofDays(1);

  private static final int KEY_CERT_SIGN = 5;
  private static final int CRL_SIGN = 6;
  private static final int LEAST_RSA_BITS = 2048;
  private static final int LEAST_EC_BITS = 256;
  private static final String BASIC_CONSTRAINTS = "2.5.29.19";
  private static final String KEY_USAGE = "2.5.29.15";
  private static final String NAME_CONSTRAINTS = "2.5.29.30";
  private static final String ANY_PURPOSE = "2.5.29.37.0";

  /** What we and those who verify understand; another critical one could say anything. */
  private static final Set<String> UNDERSTOOD =
      Set.of(BASIC_CONSTRAINTS, KEY_USAGE, NAME_CONSTRAINTS);

  /** None rests on MD5 or SHA-1; RSASSA-PSS says its hash in its parameters and is left out. */
  private static final Set<String> SIGNATURES =
      Set.of(
          "1.2.840.113549.1.1.11",
          "1.2.840.113549.1.1.12",
          "1.2.840.113549.1.1.13",
          "1.2.840.10045.4.3.2",
          "1.2.840.10045.4.3.3",
          "1.2.840.10045.4.3.4",
          "1.3.101.112",
          "1.3.101.113");

  OutsideChain {
    certificates = List.copyOf(certificates);
  }

  /**
   * Puts certificates in order.
   *
   * @param given in any order; those that don't belong to the chain are passed over
   * @param key that of the authority
   * @throws OutsideException if none is of that key, or they don't lead to one signed by itself
   */
  static OutsideChain of(List<X509Certificate> given, PublicKey key) throws OutsideException {
    List<X509Certificate> own =
        given.stream()
            .filter(it -> Arrays.equals(it.getPublicKey().getEncoded(), key.getEncoded()))
            .distinct()
            .toList();
    if (own.isEmpty()) {
      throw new OutsideException("the key is that of none of the certificates");
    }
    // Of one key with several certificates, the one that leads up is meant: not a self-signed twin.
    List<X509Certificate> from =
        own.stream().filter(it -> !isSelfIssued(it) || own.size() == 1).toList();
    if (from.size() != 1) {
      throw new OutsideException(
          "the file has " + own.size() + " certificates of that key: leave the one that is meant");
    }
    List<X509Certificate> chain = new ArrayList<>();
    X509Certificate last = from.getFirst();
    chain.add(last);
    while (!isSelfIssued(last)) {
      last = issuerOf(last, given);
      if (chain.contains(last) || chain.size() == MOST) {
        throw new OutsideException("the chain has over " + MOST + " certificates, or no end");
      }
      chain.add(last);
    }
    if (!isSignedBy(last, last)) {
      throw new OutsideException("the signature of " + name(last) + " by itself is wrong");
    }
    return new OutsideChain(chain);
  }

  private static X509Certificate issuerOf(X509Certificate subject, List<X509Certificate> given)
      throws OutsideException {
    Optional<X509Certificate> issuer =
        given.stream()
            .filter(it -> it.getSubjectX500Principal().equals(subject.getIssuerX500Principal()))
            .filter(it -> isSignedBy(subject, it))
            .findFirst();
    return issuer.orElseThrow(() ->
        new OutsideException(
            "the file has no certificate that signed "
                + name(subject)
                + ", issuer '"
                + subject.getIssuerX500Principal().getName()
                + "': put the whole chain into it, up to the root that is signed by itself"));
  }

  private static boolean isSelfIssued(X509Certificate certificate) {
    return certificate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal());
  }

  static boolean isSignedBy(X509Certificate subject, X509Certificate issuer) {
    try {
      subject.verify(issuer.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /** The authority's own certificate. */
  X509Certificate first() {
    return certificates.getFirst();
  }

  /** Those over it, the one that is signed by itself last. */
  List<X509Certificate> above() {
    return certificates.subList(1, certificates.size());
  }

  /**
   * Holds each certificate against what an authority over us must be.
   *
   * @param below how many layers of authorities must have room under the first
   */
  void check(int below, Instant now) throws OutsideException {
    for (int i = 0; i < certificates.size(); i++) {
      X509Certificate certificate = certificates.get(i);
      checkAuthority(certificate, below + i);
      checkTime(certificate, now);
      checkStrength(certificate);
    }
    if (first().getNotAfter().toInstant().isBefore(now.plus(LEAST_LIFE))) {
      throw new OutsideException(
          name(first()) + " ends within a day, at " + first().getNotAfter().toInstant());
    }
    if (KeyType.of(first().getPublicKey()).isEmpty()) {
      throw new OutsideException(
          "the key of " + name(first()) + " is none of " + keyTypes() + ": use another CA");
    }
    if (!BundleContent.canHold(certificates.getLast())) {
      throw new OutsideException(
          "those who verify could not be told to trust "
              + name(certificates.getLast())
              + ": a trust bundle holds keys on P-256, P-384 and P-521, and RSA; use a CA whose root"
              + " has such a key");
    }
  }

  /** Whoever takes in the CA itself signs its revocation lists, too. */
  void requireLists() throws OutsideException {
    boolean[] usage = first().getKeyUsage();
    if (usage == null || !usage[CRL_SIGN]) {
      throw new OutsideException(
          name(first())
              + " may not sign revocation lists: keyUsage lacks cRLSign; have its certificate made"
              + " anew with it");
    }
  }

  /**
   * The first may not outlive one of those over it: it would look good when nothing under it is.
   */
  void requireWithin() throws OutsideException {
    Instant end = first().getNotAfter().toInstant();
    for (X509Certificate upper : above()) {
      Instant last = upper.getNotAfter().toInstant();
      if (end.isAfter(last)) {
        throw new OutsideException(
            "the certificate ends at "
                + end
                + ", after "
                + name(upper)
                + " over it, which ends at "
                + last
                + ": have it signed with an end before that, or by a CA that lives longer");
      }
    }
  }

  private static String keyTypes() {
    return String.join(", ", Arrays.stream(KeyType.values()).map(KeyType::text).toList());
  }

  private static void checkAuthority(X509Certificate certificate, int below)
      throws OutsideException {
    String name = name(certificate);
    if (certificate.getVersion() != 3 || certificate.getBasicConstraints() < 0) {
      throw new OutsideException(name + " is no CA: it has no basicConstraints CA:TRUE");
    }
    if (certificate.getBasicConstraints() < below) {
      throw new OutsideException(
          name
              + " has a path length of "
              + certificate.getBasicConstraints()
              + ", and at least "
              + below
              + " is needed over a gateway of this layer; a lower one ([gateway] layer) needs"
              + " less");
    }
    boolean[] usage = certificate.getKeyUsage();
    if (usage == null || !usage[KEY_CERT_SIGN]) {
      throw new OutsideException(name + " may not sign certificates: keyUsage lacks keyCertSign");
    }
    Set<String> critical = certificate.getCriticalExtensionOIDs();
    for (String oid : critical == null ? Set.<String>of() : critical) {
      if (!UNDERSTOOD.contains(oid)) {
        throw new OutsideException(
            name + " has the critical extension " + oid + ", which is not understood");
      }
    }
    checkPurposes(certificate);
  }

  /** Many verifiers take the purposes of a CA as a limit on all under it. */
  private static void checkPurposes(X509Certificate certificate) throws OutsideException {
    try {
      List<String> purposes = certificate.getExtendedKeyUsage();
      if (purposes != null
          && !purposes.contains(ANY_PURPOSE)
          && !purposes.containsAll(List.of(LeafProfile.CLIENT_AUTH, LeafProfile.SERVER_AUTH))) {
        throw new OutsideException(
            name(certificate)
                + " is for other purposes: its extendedKeyUsage lacks clientAuth or serverAuth");
      }
    } catch (CertificateParsingException e) {
      throw new OutsideException(name(certificate) + " has an extendedKeyUsage that is damaged", e);
    }
  }

  private static void checkTime(X509Certificate certificate, Instant now) throws OutsideException {
    Instant begin = certificate.getNotBefore().toInstant();
    Instant end = certificate.getNotAfter().toInstant();
    if (!now.isBefore(end)) {
      throw new OutsideException(name(certificate) + " has expired, at " + end);
    }
    if (now.isBefore(begin)) {
      throw new OutsideException(
          name(certificate) + " is not valid yet, but from " + begin + " on");
    }
  }

  private static void checkStrength(X509Certificate certificate) throws OutsideException {
    String name = name(certificate);
    if (!SIGNATURES.contains(certificate.getSigAlgOID())) {
      throw new OutsideException(
          name
              + " is signed with "
              + certificate.getSigAlgName()
              + "; taken are ECDSA, RSA (PKCS#1) and EdDSA, with SHA-256 or better");
    }
    try {
      switch (certificate.getPublicKey()) {
        case RSAPublicKey rsa -> {
          if (rsa.getModulus().bitLength() < LEAST_RSA_BITS) {
            throw new OutsideException(name + " has an RSA key of under 2048 bits");
          }
          WeakKeys.check(rsa);
        }
        case ECPublicKey ec -> {
          if (ec.getParams().getOrder().bitLength() < LEAST_EC_BITS) {
            throw new OutsideException(name + " has an EC key of under 256 bits");
          }
          WeakKeys.check(ec);
        }
        case EdECPublicKey _ -> {
          // Both curves are strong enough.
        }
        default -> throw new OutsideException(name + " has a key of a kind that is not known");
      }
    } catch (IssuanceException e) {
      throw new OutsideException(name + " has a weak key: " + e.getMessage(), e);
    }
  }

  /**
   * Lets the JDK's own validation (RFC 5280 section 6) follow the chain down to what is under it:
   * what would be refused out there, such as names that name constraints forbid, is refused here.
   *
   * @param below an authority that the first signed; none, to look at the chain itself
   */
  void validate(Optional<X509Certificate> below, Instant now) throws OutsideException {
    List<X509Certificate> path = new ArrayList<>();
    below.ifPresent(path::add);
    // The top too, under an anchor of its name and key: an anchor's own limits are not looked at.
    path.addAll(certificates);
    X509Certificate top = certificates.getLast();
    try {
      TrustAnchor anchor = new TrustAnchor(top.getSubjectX500Principal(), top.getPublicKey(), null);
      PKIXParameters parameters = new PKIXParameters(Set.of(anchor));
      parameters.setRevocationEnabled(false);
      parameters.setDate(Date.from(now));
      CertPathValidator.getInstance("PKIX")
          .validate(CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
    } catch (CertPathValidatorException e) {
      throw new OutsideException(
          "what "
              + name(first())
              + " signs for this gateway would not be valid: "
              + e.getMessage()
              + (e.getIndex() >= 0 ? " (" + name(path.get(e.getIndex())) + ")" : ""),
          e);
    } catch (GeneralSecurityException e) {
      throw new OutsideException("the chain can't be validated: " + e.getMessage(), e);
    }
  }

  private static String name(X509Certificate certificate) {
    return "'" + certificate.getSubjectX500Principal().getName() + "'";
  }
}
