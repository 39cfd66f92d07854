package dev.vouchsafe.attestation;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What must hold for a module, and what it may be issued.
 *
 * @param name 1 to 128 characters of {@code A-Za-z0-9-:.+%_#*?!(),=@;$'} and space
 * @param generation the generation id; a module made anew under an old name gets another
 * @param selectors all must hold
 * @param any alternatives: of at least one of them all must hold as well; empty if there are none
 * @param not none of them may hold
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
    List<List<Selector>> any,
    List<Selector> not,
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
    any = any.stream().map(List::copyOf).toList();
    not = List.copyOf(not);
    profiles = Set.copyOf(profiles);
    dns = List.copyOf(dns);
    ip = List.copyOf(ip);
    audiences = List.copyOf(audiences);
    channels = Set.copyOf(channels);
  }

  /** One without alternatives and without anything that may not hold. */
  public Registration(
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
    this(
        name,
        generation,
        selectors,
        List.of(),
        List.of(),
        profiles,
        dns,
        ip,
        spiffePath,
        ttl,
        audiences,
        channels,
        strict);
  }

  /** Every selector in it, also those that may not hold. */
  public Stream<Selector> everySelector() {
    return Stream.of(selectors.stream(), any.stream().flatMap(List::stream), not.stream())
        .flatMap(s -> s);
  }

  /** Whether a caller can match by what container it is in, in one of the alternatives at least. */
  public boolean hasContainerSelector() {
    return wanted().anyMatch(Contradictions::inContainer);
  }

  /** Whether a caller can match by its systemd unit, in one of the alternatives at least. */
  public boolean hasSystemdSelector() {
    return wanted().anyMatch(Registration::ofUnit);
  }

  private Stream<Selector> wanted() {
    return Stream.concat(selectors.stream(), any.stream().flatMap(List::stream));
  }

  /** Whether it is the system manager that must be asked. */
  static boolean ofManager(Selector selector) {
    return ofUnit(selector) || selector instanceof Selector.SystemdSlice;
  }

  static boolean ofUnit(Selector selector) {
    return selector instanceof Selector.SystemdUnit
        || selector instanceof Selector.SystemdInvocationId;
  }

  /** Where a module may call from. */
  public enum Channel {
    UNIX,
    HTTPS,
    LOOPBACK
  }
}
