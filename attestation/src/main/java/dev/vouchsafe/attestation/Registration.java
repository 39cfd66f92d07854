package dev.vouchsafe.attestation;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What must hold for a module, and what it may be issued.
 *
 * @param name 1 to 128 characters of {@code A-Za-z0-9-:.+%_#*?!(),=@;$'} and space
 * @param generation the generation id; a module made anew under an old name gets another
 * @param selectors all must hold
 * @param profiles names of the certificate profiles that it may ask for
 * @param dns DNS names, lower case; {@code *.example} stands for any one label before {@code
 *     .example}
 * @param ip IP addresses in their canonical text
 * @param spiffePath the path of its SPIFFE ID without the leading slash, if it has one
 * @param ttl the longest lifetime of a leaf, and the default
 * @param audiences audiences that a token may have
 * @param channels where it may call from
 * @param strict whether an {@code exec} before accept is to be ruled out as well
 */
public record Registration(
    String name,
    String generation,
    List<Selector> selectors,
    Set<String> profiles,
    List<String> dns,
    List<String> ip,
    Optional<String> spiffePath,
    Optional<Duration> ttl,
    List<String> audiences,
    Set<Channel> channels,
    boolean strict) {
  public Registration {
    selectors = List.copyOf(selectors);
    profiles = Set.copyOf(profiles);
    dns = List.copyOf(dns);
    ip = List.copyOf(ip);
    audiences = List.copyOf(audiences);
    channels = Set.copyOf(channels);
  }

  /** Where a module may call from. */
  public enum Channel {
    UNIX,
    HTTPS,
    LOOPBACK
  }
}
