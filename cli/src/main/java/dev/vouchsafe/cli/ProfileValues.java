package dev.vouchsafe.cli;

import dev.vouchsafe.ca.AuthorityProfile;
import dev.vouchsafe.ca.LeafProfile;
import dev.vouchsafe.ca.Lifetimes;
import dev.vouchsafe.ca.Profile;
import dev.vouchsafe.ca.ProfileException;
import dev.vouchsafe.ca.Profiles;
import dev.vouchsafe.ca.SubjectTemplate;
import dev.vouchsafe.keys.KeyType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Turns the sections {@code [profiles.NAME]} into profiles, each key named when it is wrong. */
final class ProfileValues {
  private static final int LONGEST_PATH = 9;

  private final Lifetimes lifetimes;
  private final int layer;

  ProfileValues(Lifetimes lifetimes, int layer) {
    this.lifetimes = lifetimes;
    this.layer = layer;
  }

  /**
   * What they say.
   *
   * @param profiles all profiles, the built-in ones with them
   * @param byDevice those whose certificates the device CA signs itself
   */
  record Read(Profiles profiles, Set<Profile> byDevice) {}

  Read read(List<ProfileSection> sections) throws ConfigurationException {
    Profiles profiles = Profiles.builtIn(lifetimes, layer);
    Set<Profile> byDevice = new HashSet<>();
    for (ProfileSection section : sections) {
      boolean leaf = isLeaf(section);
      for (ProfileKey key : section.keys()) {
        if (!key.fits(leaf)) {
          throw section.wrong(
              key,
              leaf
                  ? "is for kind = \"authority\" only: a leaf is never a CA"
                  : "is for leaves only, and this is of kind \"authority\"");
        }
      }
      try {
        profiles =
            leaf
                ? profiles.with(List.of(leaf(section, profiles)), List.of(), lifetimes, layer)
                : profiles.with(List.of(), List.of(authority(section, profiles)), lifetimes, layer);
      } catch (ProfileException e) {
        throw section.wrong(e.key(), Causes.text(e));
      }
      if (leaf && isByDevice(section)) {
        byDevice.add(section.name());
      }
    }
    return new Read(profiles, byDevice);
  }

  private static boolean isLeaf(ProfileSection section) throws ConfigurationException {
    String standard = section.name().equals(Profile.CHILD_CA) ? "authority" : "leaf";
    return switch (section.text(ProfileKey.KIND).orElse(standard)) {
      case "leaf" -> true;
      case "authority" -> false;
      default -> throw section.wrong(ProfileKey.KIND, "must be \"leaf\" or \"authority\"");
    };
  }

  private static boolean isByDevice(ProfileSection section) throws ConfigurationException {
    return switch (section.text(ProfileKey.SIGNED_BY).orElse("issuing")) {
      case "issuing" -> false;
      case "device" -> true;
      default -> throw section.wrong(ProfileKey.SIGNED_BY, "must be \"issuing\" or \"device\"");
    };
  }

  /**
   * What the file doesn't say is as in the profile of that name before, or as in the built-in
   * identity.
   */
  private LeafProfile leaf(ProfileSection section, Profiles before)
      throws ConfigurationException, ProfileException {
    Optional<LeafProfile> known = before.leaf(section.name());
    LeafProfile base =
        known.orElseGet(
            () -> Profiles.builtIn(lifetimes, layer).leaf(Profile.IDENTITY).orElseThrow());
    if (known.isEmpty() && section.list(ProfileKey.EXTENDED_KEY_USAGE).isEmpty()) {
      throw section.wrong(
          ProfileKey.EXTENDED_KEY_USAGE,
          "is missing: say what the certificate is for, such as [\"clientAuth\"]");
    }
    Duration cap = duration(section, ProfileKey.LIFETIME_CAP).orElse(base.cap());
    Optional<Duration> lifetime = duration(section, ProfileKey.LIFETIME);
    boolean capped = lifetime.isEmpty() && base.lifetime().compareTo(cap) > 0;
    Optional<List<String>> subject = section.list(ProfileKey.SUBJECT);
    return new LeafProfile(
        section.name(),
        keyTypes(section).orElse(base.keyTypes()),
        lifetime.orElse(capped ? cap : base.lifetime()),
        cap,
        usages(section).orElse(base.usages()),
        purposes(section).orElse(base.purposes()),
        subject.isPresent() ? SubjectTemplate.parse(subject.get()) : base.subject(),
        commonName(section).orElse(base.named()),
        names(section).orElse(base.names()),
        section
            .text(ProfileKey.NAME_REQUIRED)
            .map(Boolean::parseBoolean)
            .orElse(base.nameRequired()));
  }

  private AuthorityProfile authority(ProfileSection section, Profiles before)
      throws ConfigurationException, ProfileException {
    Optional<AuthorityProfile> base = before.authority(section.name());
    if (base.isEmpty()) {
      base = Profiles.builtIn(lifetimes, layer).authority(Profile.CHILD_CA);
    }
    if (base.isEmpty()) {
      throw new ProfileException(
          ProfileKey.KIND.text(),
          "can't be \"authority\": a gateway of layer " + layer + " has none below it");
    }
    Optional<AuthorityProfile.Constraints> constraints =
        one(
            section,
            ProfileKey.NAME_CONSTRAINTS,
            List.of(AuthorityProfile.Constraints.values()),
            AuthorityProfile.Constraints::text);
    return new AuthorityProfile(
        section.name(),
        keyTypes(section).orElse(base.get().keyTypes()),
        duration(section, ProfileKey.LIFETIME).orElse(base.get().lifetime()),
        pathLength(section).orElse(base.get().pathLength()),
        constraints.orElse(base.get().constraints()));
  }

  private static Optional<Integer> pathLength(ProfileSection section)
      throws ConfigurationException {
    Optional<String> text = section.text(ProfileKey.PATH_LENGTH);
    if (text.isPresent() && !text.get().matches("[0-" + LONGEST_PATH + "]")) {
      throw section.wrong(ProfileKey.PATH_LENGTH, "must be a whole number, 0 to " + LONGEST_PATH);
    }
    return text.map(Integer::parseInt);
  }

  private static Optional<Duration> duration(ProfileSection section, ProfileKey key)
      throws ConfigurationException {
    Optional<String> text = section.text(key);
    Optional<Duration> duration = text.flatMap(Durations::parse);
    if (text.isPresent() && duration.isEmpty()) {
      throw section.wrong(key, "must be a number and one of s m h d, such as \"90s\" or \"30d\"");
    }
    return duration;
  }

  private static Optional<List<KeyType>> keyTypes(ProfileSection section)
      throws ConfigurationException {
    return several(section, ProfileKey.KEY_TYPES, List.of(KeyType.values()), KeyType::text);
  }

  private static Optional<Set<LeafProfile.Usage>> usages(ProfileSection section)
      throws ConfigurationException {
    Optional<List<LeafProfile.Usage>> usages =
        several(
            section,
            ProfileKey.KEY_USAGE,
            List.of(LeafProfile.Usage.values()),
            LeafProfile.Usage::text);
    return usages.map(Set::copyOf);
  }

  private static Optional<List<String>> purposes(ProfileSection section) throws ProfileException {
    Optional<List<String>> texts = section.list(ProfileKey.EXTENDED_KEY_USAGE);
    if (texts.isEmpty()) {
      return Optional.empty();
    }
    List<String> purposes = new ArrayList<>();
    for (String text : texts.get()) {
      purposes.add(Profiles.purpose(text));
    }
    return Optional.of(purposes);
  }

  private static Optional<LeafProfile.CommonName> commonName(ProfileSection section)
      throws ConfigurationException {
    return one(
        section,
        ProfileKey.COMMON_NAME,
        List.of(LeafProfile.CommonName.values()),
        LeafProfile.CommonName::text);
  }

  private static Optional<Set<LeafProfile.NameKind>> names(ProfileSection section)
      throws ConfigurationException {
    Optional<List<LeafProfile.NameKind>> kinds =
        several(
            section,
            ProfileKey.NAMES,
            List.of(LeafProfile.NameKind.values()),
            LeafProfile.NameKind::text);
    return kinds.map(found -> {
      Set<LeafProfile.NameKind> set = EnumSet.noneOf(LeafProfile.NameKind.class);
      set.addAll(found);
      return set;
    });
  }

  private static <T> Optional<T> one(
      ProfileSection section, ProfileKey key, List<T> known, Function<T, String> text)
      throws ConfigurationException {
    Optional<List<T>> found = several(section, key, known, text);
    return found.map(List::getFirst);
  }

  private static <T> Optional<List<T>> several(
      ProfileSection section, ProfileKey key, List<T> known, Function<T, String> text)
      throws ConfigurationException {
    Optional<List<String>> typed = section.list(key);
    if (typed.isEmpty()) {
      return Optional.empty();
    }
    List<T> found = new ArrayList<>();
    for (String word : typed.get()) {
      Optional<T> meant = known.stream().filter(it -> text.apply(it).equals(word)).findAny();
      if (meant.isEmpty() || found.contains(meant.get())) {
        throw section.wrong(
            key,
            "must be "
                + (key.kind() == ProfileKey.Kind.LIST ? "some of " : "one of ")
                + known.stream().map(text).collect(Collectors.joining(", "))
                + ", each once, and not \""
                + word
                + "\"");
      }
      found.add(meant.get());
    }
    return Optional.of(found);
  }
}
