package dev.vouchsafe.ca;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What may be issued to a caller that was attested: the only thing that issuance believes. Every
 * name in a certificate, wherever it was asked for, is held against it.
 *
 * @param module the registration's name; a name with {@code /} is one of our own listeners
 * @param generation the registration's generation id
 * @param profiles the profiles that may be asked for
 * @param dns DNS names, lower case; {@code *.example} allows itself and any one label before {@code
 *     .example}
 * @param ip IP addresses in their canonical text
 * @param spiffeId the SPIFFE ID, if the registration has one
 * @param commonName the subject's common name when none is asked for, in place of the module's name
 * @param audiences the audiences that a token may have
 * @param ttl the lifetime when none is asked for, and the longest that may be asked for; if absent,
 *     the defaults hold
 */
public record Grant(
    String module,
    String generation,
    Set<Profile> profiles,
    List<String> dns,
    List<String> ip,
    Optional<String> spiffeId,
    Optional<String> commonName,
    List<String> audiences,
    Optional<Duration> ttl) {
  public Grant {
    profiles = Set.copyOf(profiles);
    dns = List.copyOf(dns);
    ip = List.copyOf(ip);
    audiences = List.copyOf(audiences);
  }
}
