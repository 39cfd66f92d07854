package dev.vouchsafe.trust;

import java.io.ByteArrayInputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What stands in one version of the trust bundle.
 *
 * @param roots our own, the one that issues first
 * @param added the operator's
 */
public record BundleContent(List<Root> roots, List<Added> added) {
  public BundleContent {
    roots = List.copyOf(roots);
    added = List.copyOf(added);
  }

  /**
   * A trust anchor of our own.
   *
   * @param certificate self-signed
   * @param activates before that time nothing is issued by it, so that readers have it in time; in
   *     whole seconds, empty for one that may issue already
   */
  public record Root(X509Certificate certificate, Optional<Instant> activates) {
    public Root {
      activates = activates.map(time -> time.truncatedTo(ChronoUnit.SECONDS));
    }

    /** One that may issue already. */
    public Root(X509Certificate certificate) {
      this(certificate, Optional.empty());
    }
  }

  /**
   * A CA of other servers that the operator wants trusted.
   *
   * @param certificate with CA:TRUE
   * @param by who added it: {@link #CONFIGURATION}, or at most 64 printable ASCII characters, such
   *     as {@code uid 0}; empty where that isn't known
   * @param at when, in whole seconds
   */
  public record Added(X509Certificate certificate, String by, Instant at) {
    /** It stands in the configuration's files, and goes when it does so no longer. */
    public static final String CONFIGURATION = "configuration";

    private static final Pattern WHO = Pattern.compile("[ -~]{0,64}");

    public Added {
      at = at.truncatedTo(ChronoUnit.SECONDS);
      if (!WHO.matcher(by).matches()) {
        throw new IllegalArgumentException("who added it is not printable, or is too long");
      }
    }

    /** Whether it is there because the configuration says so. */
    public boolean isConfigured() {
      return by.equals(CONFIGURATION);
    }
  }

  /**
   * Whether a trust bundle can have that certificate as a root: a CA whose key can be said in each
   * of the bundle's forms, EC on P-256, P-384 or P-521, or RSA.
   */
  public static boolean canHold(X509Certificate root) {
    try {
      JsonWebKeys.requireSupported(own(root));
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /**
   * The same with each certificate once, and no root among the operator's.
   *
   * @throws IllegalArgumentException if one is no CA, or if there is no root; the message names the
   *     subject
   */
  BundleContent checked() {
    Map<X509Certificate, Root> ours = new LinkedHashMap<>();
    for (Root root : roots) {
      X509Certificate own = own(root.certificate());
      ours.putIfAbsent(own, new Root(own, root.activates()));
    }
    if (ours.isEmpty()) {
      throw new IllegalArgumentException("a trust bundle has at least one root");
    }
    ours.keySet().forEach(JsonWebKeys::requireSupported);
    Map<X509Certificate, Added> others = new LinkedHashMap<>();
    for (Added ca : added) {
      X509Certificate own = own(ca.certificate());
      others.putIfAbsent(own, new Added(own, ca.by(), ca.at()));
    }
    others.keySet().removeAll(ours.keySet());
    return new BundleContent(List.copyOf(ours.values()), List.copyOf(others.values()));
  }

  /** The caller's object may be of any class: what is kept, compared and served is the JDK's. */
  private static X509Certificate own(X509Certificate certificate) {
    if (certificate.getBasicConstraints() < 0) {
      throw new IllegalArgumentException(
          certificate.getSubjectX500Principal() + " is no CA: it lacks CA:TRUE");
    }
    try {
      return parse(certificate.getEncoded());
    } catch (CertificateException e) {
      throw new IllegalArgumentException(
          certificate.getSubjectX500Principal() + " is not a good certificate", e);
    }
  }

  /** One certificate in DER, and nothing after it. */
  static X509Certificate parse(byte[] der) throws CertificateException {
    if (CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der))
            instanceof X509Certificate certificate
        && Arrays.equals(certificate.getEncoded(), der)) {
      return certificate;
    }
    throw new CertificateException("not one certificate in DER");
  }
}
