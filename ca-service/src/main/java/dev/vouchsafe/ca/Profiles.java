package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The profiles that a gateway issues by: the built-in ones, and those of its configuration. */
public final class Profiles {
  private static final List<KeyType> ALL_TYPES = List.of(KeyType.values());
  private static final Duration DEVICE_LEAF = Duration.ofDays(365);
  private static final Duration CHILD_CA = Duration.ofDays(365);

  private final Map<Profile, LeafProfile> leaves;
  private final Map<Profile, AuthorityProfile> authorities;

  private Profiles(Map<Profile, LeafProfile> leaves, Map<Profile, AuthorityProfile> authorities) {
    this.leaves = Map.copyOf(leaves);
    this.authorities = Map.copyOf(authorities);
  }

  /**
   * The built-in ones, within these lifetimes.
   *
   * @param layer of the gateway, 1 to 5
   */
  public static Profiles builtIn(Lifetimes lifetimes, int layer) {
    Map<Profile, LeafProfile> leaves = new LinkedHashMap<>();
    for (LeafProfile leaf :
        List.of(identity(lifetimes), server(lifetimes), deviceLeaf(lifetimes))) {
      leaves.put(leaf.name(), leaf);
    }
    Map<Profile, AuthorityProfile> authorities = new LinkedHashMap<>();
    if (layer < ProfileLint.LAST_LAYER) {
      authorities.put(Profile.CHILD_CA, childCa(lifetimes, layer));
    }
    return new Profiles(leaves, authorities);
  }

  /**
   * These, with others added, and others of their name in their place.
   *
   * @param lifetimes what no profile may go beyond
   * @param layer of the gateway, 1 to 5
   * @throws ProfileException if one of them can't be
   */
  public Profiles with(
      Collection<LeafProfile> otherLeaves,
      Collection<AuthorityProfile> otherAuthorities,
      Lifetimes lifetimes,
      int layer)
      throws ProfileException {
    Map<Profile, LeafProfile> nextLeaves = new LinkedHashMap<>(leaves);
    Map<Profile, AuthorityProfile> nextAuthorities = new LinkedHashMap<>(authorities);
    for (LeafProfile leaf : otherLeaves) {
      check(leaf, lifetimes);
      ProfileLint.checkKind(leaf.name(), authorities.containsKey(leaf.name()), "leaf");
      ProfileLint.checkBuiltIn(leaf, Optional.ofNullable(leaves.get(leaf.name())));
      nextLeaves.put(leaf.name(), leaf);
    }
    for (AuthorityProfile authority : otherAuthorities) {
      check(authority, lifetimes, layer);
      ProfileLint.checkKind(authority.name(), leaves.containsKey(authority.name()), "authority");
      nextAuthorities.put(authority.name(), authority);
    }
    return new Profiles(nextLeaves, nextAuthorities);
  }

  /**
   * Holds one against what every leaf must keep.
   *
   * @throws ProfileException at the first rule that it breaks
   */
  public static void check(LeafProfile leaf, Lifetimes lifetimes) throws ProfileException {
    ProfileLint.check(leaf, lifetimes);
  }

  /**
   * Holds one against what every CA below a gateway of that layer must keep.
   *
   * @throws ProfileException at the first rule that it breaks
   */
  public static void check(AuthorityProfile authority, Lifetimes lifetimes, int layer)
      throws ProfileException {
    ProfileLint.check(authority, lifetimes, layer);
  }

  /**
   * The object identifier of a purpose for {@link LeafProfile#purposes}.
   *
   * @param text its name in X.509, such as {@code clientAuth}, or the identifier itself, with dots
   * @throws ProfileException if it is neither
   */
  public static String purpose(String text) throws ProfileException {
    return ProfileLint.purpose(text);
  }

  /** The longest that anything may live that is issued by one of them. */
  Duration longest() {
    return Stream.concat(
            leaves.values().stream().map(LeafProfile::cap),
            authorities.values().stream().map(AuthorityProfile::lifetime))
        .max(Duration::compareTo)
        .orElse(Duration.ZERO);
  }

  /** The leaf profile of that name. */
  public Optional<LeafProfile> leaf(Profile name) {
    return Optional.ofNullable(leaves.get(name));
  }

  /** The profile of CAs of that name. */
  public Optional<AuthorityProfile> authority(Profile name) {
    return Optional.ofNullable(authorities.get(name));
  }

  /** The names of the leaf profiles: what a registration may list and a module ask for. */
  public Set<Profile> leaves() {
    return leaves.keySet();
  }

  /** The names of the profiles of CAs. */
  public Set<Profile> authorities() {
    return authorities.keySet();
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Profiles profiles
        && leaves.equals(profiles.leaves)
        && authorities.equals(profiles.authorities);
  }

  @Override
  public int hashCode() {
    return Objects.hash(leaves, authorities);
  }

  @Override
  public String toString() {
    return "Profiles[leaves=" + leaves.values() + ", authorities=" + authorities.values() + "]";
  }

  private static LeafProfile identity(Lifetimes lifetimes) {
    return new LeafProfile(
        Profile.IDENTITY,
        ALL_TYPES,
        lifetimes.leaf(),
        lifetimes.leafCap(),
        Set.of(LeafProfile.Usage.DIGITAL_SIGNATURE, LeafProfile.Usage.KEY_ENCIPHERMENT),
        List.of(LeafProfile.CLIENT_AUTH, LeafProfile.SERVER_AUTH),
        SubjectTemplate.COMMON_NAME,
        LeafProfile.CommonName.MODULE,
        Set.of(LeafProfile.NameKind.values()),
        false);
  }

  private static LeafProfile server(Lifetimes lifetimes) {
    return new LeafProfile(
        Profile.SERVER,
        ALL_TYPES,
        lifetimes.leaf(),
        lifetimes.leafCap(),
        Set.of(LeafProfile.Usage.DIGITAL_SIGNATURE, LeafProfile.Usage.KEY_ENCIPHERMENT),
        List.of(LeafProfile.SERVER_AUTH),
        SubjectTemplate.COMMON_NAME,
        LeafProfile.CommonName.NAME,
        Set.of(LeafProfile.NameKind.DNS, LeafProfile.NameKind.IP),
        true);
  }

  private static LeafProfile deviceLeaf(Lifetimes lifetimes) {
    return new LeafProfile(
        Profile.DEVICE_LEAF,
        ALL_TYPES,
        shorter(DEVICE_LEAF, lifetimes.deviceCa()),
        shorter(DEVICE_LEAF.multipliedBy(2), lifetimes.deviceCa()),
        Set.of(LeafProfile.Usage.DIGITAL_SIGNATURE, LeafProfile.Usage.KEY_ENCIPHERMENT),
        List.of(LeafProfile.CLIENT_AUTH),
        SubjectTemplate.COMMON_NAME,
        LeafProfile.CommonName.MODULE,
        Set.of(LeafProfile.NameKind.values()),
        false);
  }

  private static AuthorityProfile childCa(Lifetimes lifetimes, int layer) {
    return new AuthorityProfile(
        Profile.CHILD_CA,
        ALL_TYPES,
        shorter(CHILD_CA, lifetimes.deviceCa()),
        AuthorityPlan.pathLength(layer + 1),
        AuthorityProfile.Constraints.CRITICAL);
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) <= 0 ? one : other;
  }
}
