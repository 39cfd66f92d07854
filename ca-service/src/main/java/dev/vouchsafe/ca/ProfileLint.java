package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What every profile must keep, whatever the configuration says. */
final class ProfileLint {
  /** A gateway of this layer has none below it. */
  static final int LAST_LAYER = 5;

  /** Purposes that are no leaf's: good for all, or speaking for the CA. */
  private static final Map<String, String> NEVER =
      Map.of(
          "2.5.29.37.0", "anyExtendedKeyUsage",
          "1.3.6.1.5.5.7.3.9", "OCSPSigning",
          "1.3.6.1.5.5.7.3.8", "timeStamping",
          "1.3.6.1.4.1.311.10.12.1", "Microsoft's any application policy");

  /** Their names in RFC 5280 section 4.2.1.12 and RFC 4945 section 5.1.3.12. */
  private static final Map<String, String> NAMED =
      Map.of(
          "serverAuth", LeafProfile.SERVER_AUTH,
          "clientAuth", LeafProfile.CLIENT_AUTH,
          "codeSigning", "1.3.6.1.5.5.7.3.3",
          "emailProtection", "1.3.6.1.5.5.7.3.4",
          "ipsecIKE", "1.3.6.1.5.5.7.3.17");

  private static final int LONGEST_PURPOSE = 64;

  /** Under one of the three arcs that there are, of numbers without leading zeros. */
  private static final Pattern PURPOSE =
      Pattern.compile("([01]\\.[1-3]?[0-9]|2\\.(0|[1-9][0-9]{0,8}))(\\.(0|[1-9][0-9]{0,8})){1,14}");

  private static final int MOST_PURPOSES = 16;
  private static final Duration LEAST = Duration.ofSeconds(1);

  /** As long as a device stays without contact. */
  private static final Duration LONGEST_CLIENT = Duration.ofDays(730);

  private ProfileLint() {}

  static void check(LeafProfile leaf, Lifetimes lifetimes) throws ProfileException {
    checkTypes(leaf.keyTypes());
    for (KeyType type : leaf.keyTypes()) {
      require(
          leaf.usageBits(type) != 0,
          "keyUsage",
          "leaves a key of type " + type.text() + " nothing that it can be used for");
    }
    checkPurposes(leaf.purposes());
    require(
        leaf.lifetime().compareTo(LEAST) >= 0 && leaf.lifetime().compareTo(leaf.cap()) <= 0,
        "lifetime",
        "is from one second to the lifetimeCap of the profile");
    require(
        leaf.cap().compareTo(lifetimes.deviceCa()) <= 0,
        "lifetimeCap",
        "is over [lifetimes] device-ca: a certificate never outlives its issuer");
    // What is only shown to others may be long-lived, as a device's is; a server is renewed here.
    boolean clients = leaf.purposes().equals(List.of(LeafProfile.CLIENT_AUTH));
    boolean longer = clients && lifetimes.leafCap().compareTo(LONGEST_CLIENT) < 0;
    require(
        leaf.cap().compareTo(longer ? LONGEST_CLIENT : lifetimes.leafCap()) <= 0,
        "lifetimeCap",
        "is over [lifetimes] leaf-cap, or, for clients alone (extendedKeyUsage = [\"clientAuth\"]),"
            + " over 730d");
    boolean named =
        leaf.names().contains(LeafProfile.NameKind.DNS)
            || leaf.names().contains(LeafProfile.NameKind.IP);
    require(named || !leaf.nameRequired(), "nameRequired", "needs \"dns\" or \"ip\" among names");
    require(
        leaf.nameRequired() || leaf.isNamedByModule(),
        "commonName",
        "can be \"name\" only together with nameRequired = true");
    require(
        !leaf.names().contains(LeafProfile.NameKind.SPIFFE)
            || leaf.usages().contains(LeafProfile.Usage.DIGITAL_SIGNATURE),
        "keyUsage",
        "has digitalSignature where names has \"spiffe\" (X509-SVID section 4.3)");
    boolean server = leaf.purposes().contains(LeafProfile.SERVER_AUTH);
    require(
        named || leaf.names().contains(LeafProfile.NameKind.SPIFFE) || !server,
        "names",
        "is empty, and serverAuth without a name says nothing");
  }

  static void check(AuthorityProfile authority, Lifetimes lifetimes, int layer)
      throws ProfileException {
    checkTypes(authority.keyTypes());
    require(
        layer < LAST_LAYER,
        "kind",
        "can't be \"authority\": a gateway of layer " + LAST_LAYER + " has none below it");
    require(
        authority.lifetime().compareTo(LEAST) >= 0
            && authority.lifetime().compareTo(lifetimes.deviceCa()) <= 0,
        "lifetime",
        "is from one second to [lifetimes] device-ca: no CA outlives its issuer");
    int most = AuthorityPlan.pathLength(layer) - 1;
    require(
        authority.pathLength() >= 0 && authority.pathLength() <= most,
        "pathLength",
        "is 0 to " + most + " below a gateway of layer " + layer);
  }

  /** A name means one kind of certificate, whatever the configuration says. */
  static void checkKind(Profile name, boolean isOther, String kind) throws ProfileException {
    boolean taken = isOther || (kind.equals("leaf") && name.equals(Profile.CHILD_CA));
    require(!taken, "kind", "can't be \"" + kind + "\" in " + name.text() + "; take another name");
  }

  /**
   * Others rely on what the built-in profiles say: modules on identity, and our own https listener,
   * with its key, on server.
   */
  static void checkBuiltIn(LeafProfile leaf, Optional<LeafProfile> before) throws ProfileException {
    if (before.isEmpty()) {
      return;
    }
    String fixed = "is fixed in " + leaf.name().text() + "; make a profile of another name";
    require(leaf.usages().equals(before.get().usages()), "keyUsage", fixed);
    require(leaf.purposes().equals(before.get().purposes()), "extendedKeyUsage", fixed);
    require(leaf.named() == before.get().named(), "commonName", fixed);
    require(leaf.names().equals(before.get().names()), "names", fixed);
    require(leaf.nameRequired() == before.get().nameRequired(), "nameRequired", fixed);
    require(
        !leaf.name().equals(Profile.SERVER) || leaf.keyTypes().contains(KeyType.EC_P256),
        "keyTypes",
        "has ec-p256 in server: the gateway's own https listener has such a key");
  }

  private static void checkTypes(List<KeyType> types) throws ProfileException {
    require(
        !types.isEmpty() && new HashSet<>(types).size() == types.size(),
        "keyTypes",
        "names at least one type, and each once");
  }

  private static void checkPurposes(List<String> purposes) throws ProfileException {
    require(
        !purposes.isEmpty()
            && purposes.size() <= MOST_PURPOSES
            && new HashSet<>(purposes).size() == purposes.size(),
        "extendedKeyUsage",
        "names 1 to "
            + MOST_PURPOSES
            + " purposes, each once: a certificate without any would be good for all");
    for (String purpose : purposes) {
      require(
          !isNever(purpose),
          "extendedKeyUsage",
          "names " + NEVER.get(purpose) + ", which no leaf gets");
    }
  }

  /** The object identifier of a purpose, given by its name in X.509 or with dots. */
  static String purpose(String text) throws ProfileException {
    String named = NAMED.get(text);
    if (named != null) {
      return named;
    }
    for (Map.Entry<String, String> never : NEVER.entrySet()) {
      if (never.getValue().equals(text)) {
        return never.getKey();
      }
    }
    require(
        text.length() <= LONGEST_PURPOSE && PURPOSE.matcher(text).matches(),
        "extendedKeyUsage",
        "names "
            + NameSyntax.quoted(text)
            + "; known are "
            + NAMED.keySet().stream().sorted().collect(Collectors.joining(", "))
            + ", and object identifiers such as 1.3.6.1.5.5.7.3.21");
    return text;
  }

  /** Whether that object identifier is of a purpose that no leaf has, whatever its profile says. */
  static boolean isNever(String purpose) {
    return NEVER.containsKey(purpose);
  }

  private static void require(boolean holds, String key, String otherwise) throws ProfileException {
    if (!holds) {
      throw new ProfileException(key, otherwise);
    }
  }
}
