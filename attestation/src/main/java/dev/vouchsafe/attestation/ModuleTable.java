package dev.vouchsafe.attestation;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Reads one {@code [[module]]} table. Nothing in it is passed over: what isn't known, or isn't of
 * the right type, is an error that says what to write instead.
 */
final class ModuleTable {
  /** What a module may have where its table doesn't say: its identity, for any local caller. */
  static final Set<String> DEFAULT_PROFILES = Set.of("identity");

  static final String DEFAULT_GENERATION = "1";

  private static final List<String> KEYS =
      List.of(
          "name",
          "generation",
          "selectors",
          "any",
          "not",
          "profiles",
          "dns",
          "ip",
          "ttl",
          "audiences",
          "channels",
          "strict",
          "spiffe");
  private static final Map<String, Registration.Channel> CHANNELS =
      Stream.of(Registration.Channel.values())
          .collect(Collectors.toUnmodifiableMap(ModuleTable::channelName, c -> c));
  private static final int LONGEST_LIST = 1000;
  private static final int LONGEST_AUDIENCE = 1024;
  private static final String LISTS = "a list of lists of texts: any = [[\"..\"], [\"..\"]]";

  private final JsonNode table;
  private final RegistrationRules rules;

  ModuleTable(JsonNode table, RegistrationRules rules) {
    this.table = table;
    this.rules = rules;
  }

  /** How a channel is written. */
  static String channelName(Registration.Channel channel) {
    return channel.name().toLowerCase(Locale.ROOT);
  }

  Registration read() throws RegistrationException {
    if (!table.isObject()) {
      throw new RegistrationException("wrong-type", "a module is a table: [[module]]");
    }
    for (Map.Entry<String, JsonNode> entry : table.properties()) {
      if (!KEYS.contains(entry.getKey())) {
        throw new RegistrationException(
            "unknown-key",
            Quoted.of(entry.getKey()) + ": no such key" + Nearest.hint(entry.getKey(), KEYS));
      }
    }
    String name = ModuleName.checkName(text("name").orElseThrow(() -> missing("name")));
    Optional<String> spiffe = text("spiffe");
    List<Selector> selectors = selectors();
    List<List<Selector>> any = any();
    List<Selector> not = selectors(texts("not").orElse(List.of()));
    SelectorRules.check(selectors, any, not);
    return new Registration(
        name,
        ModuleName.checkGeneration(text("generation").orElse(DEFAULT_GENERATION)),
        selectors,
        any,
        not,
        profiles(),
        dns(),
        ip(),
        spiffe.isPresent()
            ? Optional.of(ModuleName.checkSpiffePath(spiffe.get()))
            : ModuleName.spiffePath(name),
        ttl(),
        audiences(),
        channels(),
        strict());
  }

  private List<Selector> selectors() throws RegistrationException {
    Optional<List<String>> texts = texts("selectors");
    if (texts.isEmpty() && !table.has("any")) {
      throw missing("selectors");
    }
    return selectors(texts.orElse(List.of()));
  }

  private List<List<Selector>> any() throws RegistrationException {
    JsonNode node = table.get("any");
    if (node == null) {
      return List.of();
    }
    if (!node.isArray()) {
      throw wrongType("any", LISTS);
    }
    if (node.isEmpty()) {
      throw new RegistrationException(
          "bad-any", "any: no list in it, so that nobody could match; leave it out");
    }
    if (node.size() > LONGEST_LIST) {
      throw tooMany("any", node.size());
    }
    List<List<Selector>> any = new ArrayList<>();
    int total = 0;
    for (JsonNode list : node) {
      if (!list.isArray()) {
        throw wrongType("any", LISTS);
      }
      if (list.isEmpty()) {
        throw new RegistrationException(
            "bad-any", "any: an empty list in it, which everybody would match; leave it out");
      }
      any.add(selectors(texts("any", list)));
      total += list.size();
    }
    if (total > LONGEST_LIST) {
      throw tooMany("any", total);
    }
    return any;
  }

  private static List<Selector> selectors(List<String> texts) throws RegistrationException {
    List<Selector> selectors = new ArrayList<>();
    for (String text : texts) {
      selectors.add(SelectorText.parse(text));
    }
    return selectors;
  }

  private Set<String> profiles() throws RegistrationException {
    Optional<List<String>> named = texts("profiles");
    if (named.isEmpty()) {
      return DEFAULT_PROFILES;
    }
    for (String profile : named.get()) {
      if (!rules.profiles().contains(profile)) {
        throw new RegistrationException(
            "unknown-profile",
            "profiles: no profile " + Quoted.of(profile) + Nearest.hint(profile, rules.profiles()));
      }
    }
    return Set.copyOf(named.get());
  }

  private List<String> dns() throws RegistrationException {
    List<String> names = texts("dns").orElse(List.of());
    for (String name : names) {
      HostName.check(name);
    }
    return names;
  }

  private List<String> ip() throws RegistrationException {
    Set<String> canonical = new LinkedHashSet<>();
    for (String address : texts("ip").orElse(List.of())) {
      canonical.add(IpText.canonical(address));
    }
    return List.copyOf(canonical);
  }

  private Optional<Duration> ttl() throws RegistrationException {
    Optional<String> ttl = text("ttl");
    return ttl.isPresent() ? Optional.of(TtlText.parse(ttl.get())) : Optional.empty();
  }

  private List<String> audiences() throws RegistrationException {
    List<String> audiences = texts("audiences").orElse(List.of());
    for (String audience : audiences) {
      if (audience.isEmpty()
          || audience.length() > LONGEST_AUDIENCE
          || audience.codePoints().anyMatch(Character::isISOControl)) {
        throw new RegistrationException(
            "bad-audience",
            "audiences: "
                + Quoted.of(audience)
                + ": an audience has 1 to "
                + LONGEST_AUDIENCE
                + " characters, none of them a control character");
      }
    }
    return audiences;
  }

  private Set<Registration.Channel> channels() throws RegistrationException {
    Optional<List<String>> named = texts("channels");
    if (named.isEmpty()) {
      return Set.of(Registration.Channel.UNIX);
    }
    EnumSet<Registration.Channel> channels = EnumSet.noneOf(Registration.Channel.class);
    for (String text : named.get()) {
      Registration.Channel channel = CHANNELS.get(text);
      if (channel == null) {
        throw new RegistrationException(
            "unknown-channel",
            "channels: no channel " + Quoted.of(text) + Nearest.hint(text, CHANNELS.keySet()));
      }
      channels.add(channel);
    }
    if (channels.isEmpty()) {
      throw new RegistrationException(
          "bad-channels", "channels: empty, so that nobody could call; leave it out for unix");
    }
    return channels;
  }

  private boolean strict() throws RegistrationException {
    JsonNode node = table.get("strict");
    if (node != null && !node.isBoolean()) {
      throw wrongType("strict", "true or false");
    }
    return node != null && node.booleanValue();
  }

  private Optional<String> text(String key) throws RegistrationException {
    JsonNode node = table.get(key);
    if (node != null && !node.isTextual()) {
      throw wrongType(key, "a text: " + key + " = \"..\"");
    }
    return Optional.ofNullable(node).map(JsonNode::textValue);
  }

  private Optional<List<String>> texts(String key) throws RegistrationException {
    JsonNode node = table.get(key);
    if (node == null) {
      return Optional.empty();
    }
    if (!node.isArray()) {
      throw wrongType(key, "a list of texts: " + key + " = [\"..\"]");
    }
    return Optional.of(texts(key, node));
  }

  private static List<String> texts(String key, JsonNode node) throws RegistrationException {
    if (node.size() > LONGEST_LIST) {
      throw tooMany(key, node.size());
    }
    Set<String> texts = new LinkedHashSet<>();
    for (JsonNode element : node) {
      if (!element.isTextual()) {
        throw wrongType(key, "a list of texts only: " + key + " = [\"..\"]");
      }
      texts.add(element.textValue());
    }
    return List.copyOf(texts);
  }

  private static RegistrationException tooMany(String key, int size) {
    return new RegistrationException(
        "too-many", key + ": " + size + " entries, at most " + LONGEST_LIST);
  }

  private static RegistrationException missing(String key) {
    return new RegistrationException("missing-key", key + ": missing, and there is no default");
  }

  private static RegistrationException wrongType(String key, String right) {
    return new RegistrationException("wrong-type", key + ": must be " + right);
  }
}
