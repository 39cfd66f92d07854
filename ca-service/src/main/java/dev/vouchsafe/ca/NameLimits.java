package dev.vouchsafe.ca;

import java.io.IOException;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.bouncycastle.asn1.ASN1OctetString;
import org.bouncycastle.asn1.DERIA5String;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralSubtree;
import org.bouncycastle.asn1.x509.NameConstraintValidatorException;
import org.bouncycastle.asn1.x509.NameConstraints;
import org.bouncycastle.asn1.x509.PKIXNameConstraintValidator;

/**
 * The name constraints (RFC 5280 section 4.2.1.10) of all who are over a leaf: a certificate with a
 * name that one of them forbids is believed by nobody. Of an authority that was made here, those of
 * the CA from outside that it is under. Safe for use by many threads.
 */
final class NameLimits {
  /** Of an authority under which every name may stand. */
  static final NameLimits NONE = new NameLimits(List.of());

  private static final String NAME_CONSTRAINTS = "2.5.29.30";

  /**
   * The constraints of one certificate.
   *
   * @param validator as Bouncy Castle reads them
   * @param der for the JDK, which reads them anew
   * @param of whose they are
   */
  private record Limit(PKIXNameConstraintValidator validator, Blob der, String of) {}

  private final List<Limit> limits;

  private NameLimits(List<Limit> limits) {
    this.limits = List.copyOf(limits);
  }

  /**
   * Those of some certificates; the same ones, repeated further down, are looked at once.
   *
   * @throws IOException if one has some that can't be read
   */
  static NameLimits of(List<X509Certificate> authorities) throws IOException {
    List<Limit> limits = new ArrayList<>();
    // From the top: who set a limit is told, not who repeats it.
    for (X509Certificate authority : authorities.reversed()) {
      byte[] extension = authority.getExtensionValue(NAME_CONSTRAINTS);
      if (extension != null) {
        Blob der = new Blob(ASN1OctetString.getInstance(extension).getOctets());
        if (limits.stream().noneMatch(known -> Arrays.equals(known.der().octets(), der.octets()))) {
          limits.add(
              new Limit(
                  validator(der.octets()), der, authority.getSubjectX500Principal().getName()));
        }
      }
    }
    return limits.isEmpty() ? NONE : new NameLimits(limits);
  }

  private static PKIXNameConstraintValidator validator(byte[] der) throws IOException {
    try {
      NameConstraints constraints = NameConstraints.getInstance(der);
      PKIXNameConstraintValidator validator = new PKIXNameConstraintValidator();
      GeneralSubtree[] permitted = constraints.getPermittedSubtrees();
      if (permitted != null) {
        validator.intersectPermittedSubtree(permitted);
      }
      GeneralSubtree[] excluded = constraints.getExcludedSubtrees();
      if (excluded != null) {
        for (GeneralSubtree each : excluded) {
          validator.addExcludedSubtree(each);
        }
      }
      return validator;
    } catch (IllegalArgumentException | IllegalStateException e) {
      throw new IOException("the name constraints of an authority can't be read", e);
    }
  }

  boolean isNone() {
    return limits.isEmpty();
  }

  /** Who forbids that name, if somebody does. */
  Optional<String> forbids(SanName name) {
    return limits.isEmpty() ? Optional.empty() : forbids(general(name));
  }

  private Optional<String> forbids(GeneralName name) {
    return limits.stream()
        .filter(limit -> !permits(limit.validator(), name))
        .map(Limit::of)
        .findFirst();
  }

  private static boolean permits(PKIXNameConstraintValidator validator, GeneralName name) {
    try {
      validator.checkPermitted(name);
      validator.checkExcluded(name);
      return true;
    } catch (NameConstraintValidatorException | IllegalArgumentException e) {
      // What it can't compare is permitted by nobody.
      return false;
    }
  }

  /**
   * Who forbids that subject, if somebody does. Where a certificate has no DNS name, a common name
   * that reads as one is looked at as well, since OpenSSL does.
   */
  Optional<String> forbids(X500Name subject, String commonName, List<SanName> names) {
    if (limits.isEmpty()) {
      return Optional.empty();
    }
    Optional<String> bySubject = forbids(new GeneralName(subject));
    boolean alone = names.stream().noneMatch(SanName.Dns.class::isInstance);
    return bySubject.isPresent() || !alone || commonName.indexOf('.') < 0
        ? bySubject
        : NameSyntax.dns(commonName).flatMap(this::forbids);
  }

  /**
   * Whether a certificate is within all of them, as the JDK sees it, which knows nothing of how the
   * names were looked at before.
   */
  boolean permits(X509Certificate certificate) throws IOException {
    for (Limit limit : limits) {
      X509CertSelector selector = new X509CertSelector();
      selector.setNameConstraints(limit.der().octets());
      if (!selector.match(certificate)) {
        return false;
      }
    }
    return true;
  }

  private static GeneralName general(SanName name) {
    return switch (name) {
      case SanName.Dns dns -> new GeneralName(GeneralName.dNSName, new DERIA5String(dns.name()));
      case SanName.Ip ip ->
          new GeneralName(GeneralName.iPAddress, new DEROctetString(ip.address().getAddress()));
      case SanName.Uri uri ->
          new GeneralName(GeneralName.uniformResourceIdentifier, new DERIA5String(uri.uri()));
    };
  }
}
