package dev.vouchsafe.cli;

import dev.vouchsafe.api.ApiSettings;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.Lifetimes;
import dev.vouchsafe.ca.TokenLifetimes;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.Pkcs11Uri;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Turns the texts of a configuration file into checked values, each named when it is wrong. */
final class ConfigurationValues {
  private static final Pattern CREDENTIAL = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,254}");
  private static final Duration LONGEST = Duration.ofDays(36_525);
  private static final Duration LONGEST_TOKEN = Duration.ofHours(24);
  private static final int MOST = 1_000_000;
  private static final int HIGHEST_PORT = 65_535;

  private final Path file;
  private final Map<ConfigurationKey, String> values;

  ConfigurationValues(Path file, Map<ConfigurationKey, String> values) {
    this.file = file;
    this.values = values;
  }

  Configuration configuration(Home home) throws ConfigurationException {
    Configuration configuration =
        new Configuration(
            gateway(),
            new Configuration.Listen(
                socket(ConfigurationKey.WORKLOAD, home.workloadSocket()),
                socket(ConfigurationKey.ADMIN, home.adminSocket()),
                https()),
            keys(),
            lifetimes(),
            tokens(),
            new ApiSettings.Limits(
                integer(ConfigurationKey.CONNECTIONS, 1, MOST),
                integer(ConfigurationKey.PER_UID, 1, MOST),
                integer(ConfigurationKey.WAITING, 1, MOST)),
            new Configuration.Bundle(
                duration(ConfigurationKey.REFRESH, Duration.ofSeconds(1), Duration.ofDays(30)),
                manifest()));
    if (configuration.listen().workload().equals(configuration.listen().admin())) {
      throw wrong(ConfigurationKey.ADMIN, "must be another path than [listen] workload");
    }
    return configuration;
  }

  private GatewayIdentity gateway() throws ConfigurationException {
    String deviceId = text(ConfigurationKey.DEVICE_ID);
    if (!Names.isLabel(deviceId)) {
      throw wrong(
          ConfigurationKey.DEVICE_ID,
          "must be one lower-case DNS label: 1 to 63 characters of a-z 0-9 -");
    }
    String trustDomain = text(ConfigurationKey.TRUST_DOMAIN);
    if (!Names.isName(trustDomain)) {
      throw wrong(
          ConfigurationKey.TRUST_DOMAIN,
          "must be lower-case DNS labels of a-z 0-9 - with dots between them");
    }
    return new GatewayIdentity(deviceId, trustDomain, integer(ConfigurationKey.LAYER, 1, 5));
  }

  private Configuration.Store store() throws ConfigurationException {
    String store = text(ConfigurationKey.STORE);
    return switch (store) {
      case "software" -> {
        requireAbsent(ConfigurationKey.PKCS11_URI, "pkcs11");
        yield new Configuration.Store.Software(seal());
      }
      case "pkcs11" -> {
        requireAbsent(ConfigurationKey.SEAL, "software");
        yield new Configuration.Store.Pkcs11(pkcs11Uri());
      }
      case "tpm" ->
          throw wrong(
              ConfigurationKey.STORE, "tpm is not in this version; use \"software\" or \"pkcs11\"");
      default -> throw wrong(ConfigurationKey.STORE, "must be \"software\" or \"pkcs11\"");
    };
  }

  /** A setting of a store that is not in use would be taken for one that is. */
  private void requireAbsent(ConfigurationKey key, String store) throws ConfigurationException {
    if (values.containsKey(key)) {
      throw wrong(
          key,
          "belongs to store = \""
              + store
              + "\", and "
              + ConfigurationKey.STORE.title()
              + " is \""
              + text(ConfigurationKey.STORE)
              + "\": remove one of the two");
    }
  }

  private Pkcs11Uri pkcs11Uri() throws ConfigurationException {
    String text = values.get(ConfigurationKey.PKCS11_URI);
    if (text == null) {
      throw wrong(
          ConfigurationKey.PKCS11_URI,
          "is missing; such as \"pkcs11:token=gateway?module-path=/usr/lib/softhsm/libsofthsm2.so"
              + "&pin-source=file:/etc/vouchsafe/pin\"");
    }
    try {
      return Pkcs11Uri.parse(text);
    } catch (IllegalArgumentException e) {
      throw wrong(ConfigurationKey.PKCS11_URI, String.valueOf(e.getMessage()));
    }
  }

  private Configuration.Keys keys() throws ConfigurationException {
    return new Configuration.Keys(
        store(),
        keyType(ConfigurationKey.ROOT_TYPE),
        keyType(ConfigurationKey.DEVICE_TYPE),
        keyType(ConfigurationKey.LEAF_TYPE));
  }

  private Configuration.Seal seal() throws ConfigurationException {
    String seal = text(ConfigurationKey.SEAL);
    if (seal.equals("generated")) {
      return new Configuration.Seal.Generated();
    }
    if (seal.startsWith("file:")) {
      return new Configuration.Seal.Passphrase(
          absolute(ConfigurationKey.SEAL, seal.substring("file:".length())));
    }
    if (seal.startsWith("credential:")) {
      String name = seal.substring("credential:".length());
      if (CREDENTIAL.matcher(name).matches()) {
        return new Configuration.Seal.Credential(name);
      }
    }
    throw wrong(
        ConfigurationKey.SEAL,
        "must be \"generated\", \"file:/absolute/path\" or \"credential:NAME\"");
  }

  private KeyType keyType(ConfigurationKey key) throws ConfigurationException {
    return KeyType.parse(text(key))
        .orElseThrow(() ->
            wrong(
                key,
                "must be one of "
                    + String.join(
                        ", ", Arrays.stream(KeyType.values()).map(KeyType::text).toList())));
  }

  private TokenLifetimes tokens() throws ConfigurationException {
    Duration least = Duration.ofSeconds(10);
    Duration token = duration(ConfigurationKey.TOKEN_LIFETIME, least, LONGEST_TOKEN);
    Duration cap = duration(ConfigurationKey.TOKEN_CAP, least, LONGEST_TOKEN);
    Duration key = duration(ConfigurationKey.TOKEN_KEY_LIFETIME, Duration.ofHours(1), LONGEST);
    requireNotOver(ConfigurationKey.TOKEN_LIFETIME, token, cap, "[lifetimes] token-cap");
    requireNotOver(ConfigurationKey.TOKEN_CAP, cap, key, "[lifetimes] token-key");
    return new TokenLifetimes(token, cap, key);
  }

  private Optional<Path> manifest() throws ConfigurationException {
    String text = values.get(ConfigurationKey.MANIFEST);
    return text == null ? Optional.empty() : Optional.of(absolute(ConfigurationKey.MANIFEST, text));
  }

  private Lifetimes lifetimes() throws ConfigurationException {
    Duration least = Duration.ofMinutes(1);
    Duration root = duration(ConfigurationKey.ROOT_LIFETIME, least, LONGEST);
    Duration device = duration(ConfigurationKey.DEVICE_CA_LIFETIME, least, LONGEST);
    Duration cap = duration(ConfigurationKey.LEAF_CAP, least, LONGEST);
    Duration leaf = duration(ConfigurationKey.LEAF_LIFETIME, least, LONGEST);
    requireNotOver(ConfigurationKey.DEVICE_CA_LIFETIME, device, root, "[lifetimes] root");
    requireNotOver(ConfigurationKey.LEAF_CAP, cap, device, "[lifetimes] device-ca");
    requireNotOver(ConfigurationKey.LEAF_LIFETIME, leaf, cap, "[lifetimes] leaf-cap");
    return new Lifetimes(root, device, leaf, cap);
  }

  private void requireNotOver(
      ConfigurationKey key, Duration value, Duration limit, String limitName)
      throws ConfigurationException {
    if (value.compareTo(limit) > 0) {
      throw wrong(
          key, Durations.format(value) + " is over " + limitName + ", " + Durations.format(limit));
    }
  }

  private Optional<Configuration.HostPort> https() throws ConfigurationException {
    String text = text(ConfigurationKey.HTTPS);
    if (text.equals("off")) {
      return Optional.empty();
    }
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "" : text.substring(0, colon);
    boolean bracketed = host.startsWith("[") && host.endsWith("]");
    String bare = bracketed ? host.substring(1, host.length() - 1) : host;
    boolean plain = bracketed || !bare.contains(":");
    if (colon < 0 || !plain || !bare.matches("[A-Za-z0-9.:_%-]*")) {
      throw wrong(
          ConfigurationKey.HTTPS,
          "must be \"HOST:PORT\", \":PORT\" for all addresses, \"[IPV6]:PORT\", or \"off\"");
    }
    int port = number(ConfigurationKey.HTTPS, text.substring(colon + 1), 0, HIGHEST_PORT);
    return Optional.of(new Configuration.HostPort(bare, port));
  }

  private Path socket(ConfigurationKey key, Path standard) throws ConfigurationException {
    String text = values.get(key);
    Path path = text == null ? standard : absolute(key, text);
    int length = path.toString().getBytes(StandardCharsets.UTF_8).length;
    if (length > Configuration.LONGEST_SOCKET_PATH) {
      throw wrong(
          key,
          path
              + " has "
              + length
              + " octets; Linux takes at most "
              + Configuration.LONGEST_SOCKET_PATH
              + ": use a shorter home, or set this key to a shorter path");
    }
    return path;
  }

  private Path absolute(ConfigurationKey key, String text) throws ConfigurationException {
    try {
      Path path = Path.of(text);
      if (path.isAbsolute()) {
        return path.normalize();
      }
    } catch (InvalidPathException e) {
      throw wrong(key, "is not a path: " + e.getReason());
    }
    throw wrong(key, "must be an absolute path");
  }

  private Duration duration(ConfigurationKey key, Duration least, Duration most)
      throws ConfigurationException {
    Duration duration =
        Durations.parse(text(key))
            .orElseThrow(() ->
                wrong(key, "must be a number and one of s m h d, such as \"90s\" or \"30d\""));
    if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
      throw wrong(key, "must be " + Durations.format(least) + " to " + Durations.format(most));
    }
    return duration;
  }

  private int integer(ConfigurationKey key, int least, int most) throws ConfigurationException {
    return number(key, text(key), least, most);
  }

  private int number(ConfigurationKey key, String text, int least, int most)
      throws ConfigurationException {
    try {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Falls through to the one message that tells the range: not a number is out of range too.
    }
    throw wrong(key, "must be a whole number, " + least + " to " + most);
  }

  private String text(ConfigurationKey key) throws ConfigurationException {
    String text = values.get(key);
    if (text != null) {
      return text;
    }
    return key.standard().orElseThrow(() -> wrong(key, "is missing"));
  }

  private ConfigurationException wrong(ConfigurationKey key, String what) {
    return new ConfigurationException(file + ": " + key.title() + " " + what);
  }
}
