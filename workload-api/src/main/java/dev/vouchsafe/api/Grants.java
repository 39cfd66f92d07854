package dev.vouchsafe.api;

import dev.vouchsafe.attestation.Registration;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.Grant;
import dev.vouchsafe.ca.Profile;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Makes grants: the only thing that issuance believes. */
final class Grants {
  /** The registration name of our own https listener; no module's name has a slash. */
  static final String HTTPS = "vouchsafe/https";

  /** The registration that stands for the gateway itself. */
  private static final String DEVICE = "device";

  /** Long, so that a key store that is away for hours leaves the listener up. */
  private static final Duration HTTPS_TTL = Duration.ofHours(24);

  private Grants() {}

  /** What that registration, whose caller was attested, may be issued. */
  static Grant of(GatewayIdentity identity, Registration registration) {
    Set<Profile> profiles =
        registration.profiles().stream()
            .map(Profile::parse)
            .flatMap(Optional::stream)
            .collect(Collectors.toUnmodifiableSet());
    return new Grant(
        registration.name(),
        registration.generation(),
        profiles,
        registration.dns(),
        registration.ip(),
        spiffeId(identity, registration),
        commonName(identity, registration),
        registration.audiences(),
        registration.ttl());
  }

  /** Its hub or parent holds the gateway's common name against its device id. */
  private static Optional<String> commonName(GatewayIdentity identity, Registration registration) {
    return registration.name().equals(DEVICE) ? Optional.of(identity.deviceId()) : Optional.empty();
  }

  /** The SPIFFE ID in our trust domain, if the registration has a path (SPIFFE-ID section 2). */
  static Optional<String> spiffeId(GatewayIdentity identity, Registration registration) {
    return registration.spiffePath().map(path -> "spiffe://" + identity.trustDomain() + "/" + path);
  }

  /** What our own https listener may be issued. */
  static Grant https(ApiSettings.Https settings) {
    return new Grant(
        HTTPS,
        "1",
        Set.of(Profile.SERVER),
        List.copyOf(settings.dns()),
        List.copyOf(settings.ip()),
        Optional.empty(),
        Optional.empty(),
        List.of(),
        Optional.of(HTTPS_TTL));
  }
}
