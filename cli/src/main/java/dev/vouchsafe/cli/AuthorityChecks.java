package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityInfo;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Holds the authorities against the configuration and says which roots are to be trusted. */
final class AuthorityChecks {
  /** A gateway at layer k may have a path of this less k below it. */
  private static final int PATH_AND_LAYER = 6;

  private static final int URI_NAME = 6;

  private AuthorityChecks() {}

  /** The roots that belong in the bundle, the one that issues first. */
  static List<X509Certificate> publishedRoots(List<AuthorityInfo> authorities) {
    return authorities.stream()
        .filter(authority -> authority.role() == AuthorityInfo.Role.ROOT)
        .filter(authority ->
            switch (authority.state()) {
              case PUBLISHED, ACTIVE, RETIRING -> true;
              case PREPARED, RETIRED -> false;
            })
        .sorted(Comparator.comparing(authority -> authority.state() != AuthorityInfo.State.ACTIVE))
        .map(AuthorityInfo::certificate)
        .toList();
  }

  /**
   * Throws if trust domain or layer were changed after the authorities were made: both are written
   * in their certificates, so issuing under the new ones would break every chain.
   */
  static void requireSameGateway(Configuration configuration, List<AuthorityInfo> authorities)
      throws CommandFailure {
    String uri = "spiffe://" + configuration.gateway().trustDomain();
    int pathLength = PATH_AND_LAYER - configuration.gateway().layer();
    for (AuthorityInfo authority : authorities) {
      if (authority.state() != AuthorityInfo.State.ACTIVE) {
        continue;
      }
      if (!uris(authority.certificate()).contains(uri)) {
        throw CommandFailure.failed(
            "[gateway] trust-domain is "
                + configuration.gateway().trustDomain()
                + ", but "
                + authority.id()
                + " was made for another; set it back as it was at init");
      }
      if (authority.role() == AuthorityInfo.Role.DEVICE
          && authority.certificate().getBasicConstraints() != pathLength) {
        throw CommandFailure.failed(
            "[gateway] layer is "
                + configuration.gateway().layer()
                + ", but "
                + authority.id()
                + " was made for another; set it back as it was at init");
      }
    }
  }

  private static List<String> uris(X509Certificate certificate) throws CommandFailure {
    try {
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      if (names == null) {
        return List.of();
      }
      return names.stream()
          .filter(name -> Integer.valueOf(URI_NAME).equals(name.get(0)))
          .map(name -> String.valueOf(name.get(1)))
          .toList();
    } catch (CertificateParsingException e) {
      throw CommandFailure.failed("an authority's certificate can't be read: " + e.getMessage(), e);
    }
  }
}
