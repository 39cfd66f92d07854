package dev.vouchsafe.cli;

import dev.vouchsafe.api.ApiSettings;
import dev.vouchsafe.attestation.AttestationSettings;
import dev.vouchsafe.ca.GatewayIdentity;
import dev.vouchsafe.ca.IssuingCaSettings;
import dev.vouchsafe.ca.LedgerSettings;
import dev.vouchsafe.ca.Lifetimes;
import dev.vouchsafe.ca.MaintenanceWindow;
import dev.vouchsafe.ca.Profile;
import dev.vouchsafe.ca.RevocationSettings;
import dev.vouchsafe.ca.RotationSettings;
import dev.vouchsafe.ca.TokenLifetimes;
import dev.vouchsafe.ca.clock.ClockSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;

/** Turns the texts of a configuration file into checked values, each named when it is wrong. */
final class ConfigurationValues {
  private static final Duration LONGEST = Duration.ofDays(36_525);
  private static final Duration LONGEST_TOKEN = Duration.ofHours(24);
  private static final int LONGEST_ISSUER = 255;
  private static final Pattern ISSUER =
      Pattern.compile(
          "https://([a-z0-9][a-z0-9.-]*|\\[[0-9a-f:]+\\])(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~-]+)*");
  private static final int MOST = 1_000_000;
  private static final int HIGHEST_PORT = 65_535;
  private static final long MIB = 1024L * 1024;
  private static final int LARGEST_LEDGER_MB = 1024 * 1024;
  private static final int MOST_LEDGER_DAYS = 36_525;
  private static final int LARGEST_AUDIT_MB = 65_536;
  private static final int MOST_AUDIT_DAYS = 36_525;

  /** A URL to which a file's name can be added (RFC 3986, without what nobody needs there). */
  private static final String BASE_URL =
      "(?=.{1,256}$)https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/*";

  private final Path file;
  private final Map<ConfigurationKey, String> values;

  ConfigurationValues(Path file, Map<ConfigurationKey, String> values) {
    this.file = file;
    this.values = values;
  }

  Configuration configuration(Home home, List<ProfileSection> sections)
      throws ConfigurationException {
    GatewayIdentity gateway = gateway();
    Lifetimes lifetimes = lifetimes();
    ProfileValues.Read profiles = new ProfileValues(lifetimes, gateway.layer()).read(sections);
    Configuration configuration =
        new Configuration(
            gateway,
            new Configuration.Listen(
                socket(ConfigurationKey.WORKLOAD, home.workloadSocket()),
                spiffe(home),
                socket(ConfigurationKey.ADMIN, home.adminSocket()),
                https()),
            new KeyStoreValues(this).keys(),
            lifetimes,
            issuing(profiles.byDevice()),
            profiles.profiles(),
            tokens(),
            attestation(),
            new ApiSettings.Limits(
                integer(ConfigurationKey.CONNECTIONS, 1, MOST),
                integer(ConfigurationKey.PER_UID, 1, MOST),
                integer(ConfigurationKey.WAITING, 1, MOST)),
            liveCertificates(),
            ledger(),
            revocation(),
            new Configuration.Audit(
                integer(ConfigurationKey.AUDIT_MB, 1, LARGEST_AUDIT_MB),
                integer(ConfigurationKey.AUDIT_DAYS, 1, MOST_AUDIT_DAYS)),
            new Configuration.Bundle(
                duration(ConfigurationKey.REFRESH, Duration.ofSeconds(1), Duration.ofDays(30)),
                manifest(),
                extra()),
            rotation(),
            untrusted());
    requireDifferent(configuration.listen());
    return configuration;
  }

  private void requireDifferent(Configuration.Listen listen) throws ConfigurationException {
    if (listen.workload().equals(listen.admin())) {
      throw wrong(ConfigurationKey.ADMIN, "must be another path than [listen] workload");
    }
    if (Set.copyOf(listen.sockets()).size() < listen.sockets().size()) {
      throw wrong(ConfigurationKey.SPIFFE, "must be another path than [listen] workload and admin");
    }
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
    int layer = integer(ConfigurationKey.LAYER, 1, 5);
    String issuer = values.get(ConfigurationKey.ISSUER);
    return issuer == null
        ? new GatewayIdentity(deviceId, trustDomain, layer)
        : new GatewayIdentity(deviceId, trustDomain, layer, issuer(issuer));
  }

  /** As OpenID Connect Discovery 1.0 section 3 has it; verifiers compare it letter by letter. */
  private String issuer(String text) throws ConfigurationException {
    if (text.length() > LONGEST_ISSUER || !ISSUER.matcher(text).matches()) {
      throw wrong(
          ConfigurationKey.ISSUER,
          "must be https://HOST, with :PORT and /PATH if need be, lower-case and without a / at the"
              + " end");
    }
    return text;
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

  private AttestationSettings attestation() throws ConfigurationException {
    boolean refuseTraced =
        switch (text(ConfigurationKey.TRACER)) {
          case "refuse" -> true;
          case "ignore" -> false;
          default -> throw wrong(ConfigurationKey.TRACER, "must be \"refuse\" or \"ignore\"");
        };
    return new AttestationSettings(
        refuseTraced, engine(ConfigurationKey.DOCKER), engine(ConfigurationKey.PODMAN));
  }

  private Optional<Path> engine(ConfigurationKey key) throws ConfigurationException {
    String text = text(key);
    return text.equals("off") ? Optional.empty() : Optional.of(absolute(key, text));
  }

  private RotationSettings rotation() throws ConfigurationException {
    Optional<String> text = given(ConfigurationKey.ROTATION_WINDOW);
    Optional<MaintenanceWindow> window = text.flatMap(MaintenanceWindow::parse);
    if (text.isPresent() && window.isEmpty()) {
      throw wrong(
          ConfigurationKey.ROTATION_WINDOW,
          "must be times of day in UTC, with days of the week before them if not on all, such as"
              + " \"02:00-04:00\" or \"sat,sun 22:00-06:00\"");
    }
    return new RotationSettings(text(ConfigurationKey.ROTATION_AUTOMATIC).equals("true"), window);
  }

  private ClockSettings.Untrusted untrusted() throws ConfigurationException {
    return switch (text(ConfigurationKey.CLOCK_UNTRUSTED)) {
      case "bounded" -> ClockSettings.Untrusted.BOUNDED;
      case "stop" -> ClockSettings.Untrusted.STOP;
      default -> throw wrong(ConfigurationKey.CLOCK_UNTRUSTED, "must be \"bounded\" or \"stop\"");
    };
  }

  private OptionalLong liveCertificates() throws ConfigurationException {
    return given(ConfigurationKey.LIVE_CERTIFICATES).isPresent()
        ? OptionalLong.of(integer(ConfigurationKey.LIVE_CERTIFICATES, 1, MOST))
        : OptionalLong.empty();
  }

  private LedgerSettings ledger() throws ConfigurationException {
    int least = Math.toIntExact(LedgerSettings.LEAST / MIB);
    OptionalLong most =
        given(ConfigurationKey.LEDGER_MB).isPresent()
            ? OptionalLong.of(MIB * integer(ConfigurationKey.LEDGER_MB, least, LARGEST_LEDGER_MB))
            : OptionalLong.empty();
    return new LedgerSettings(
        most, Duration.ofDays(integer(ConfigurationKey.LEDGER_DAYS, 1, MOST_LEDGER_DAYS)));
  }

  private List<Path> extra() throws ConfigurationException {
    List<Path> files = new ArrayList<>();
    for (String text : values.getOrDefault(ConfigurationKey.EXTRA, "").lines().toList()) {
      files.add(absolute(ConfigurationKey.EXTRA, text));
    }
    return files;
  }

  private RevocationSettings revocation() throws ConfigurationException {
    Duration list =
        duration(ConfigurationKey.CRL_LIFETIME, Duration.ofHours(1), Duration.ofDays(366));
    Optional<String> url = given(ConfigurationKey.CRL_URL);
    if (url.isPresent() && !url.get().matches(BASE_URL)) {
      throw wrong(
          ConfigurationKey.CRL_URL,
          "must be an http or https URL of a folder, such as \"http://gateway.local/crl\", without"
              + " user, query or fragment, and of 1 to 256 characters");
    }
    boolean point = text(ConfigurationKey.DISTRIBUTION_POINT).equals("true");
    if (point && url.isEmpty()) {
      throw wrong(ConfigurationKey.DISTRIBUTION_POINT, "says where the lists are: give crl-url");
    }
    Optional<String> ocsp = given(ConfigurationKey.OCSP_URL);
    if (ocsp.isPresent() && !ocsp.get().matches(BASE_URL)) {
      throw wrong(
          ConfigurationKey.OCSP_URL,
          "must be an http or https URL, such as \"http://gateway.local/ocsp\", without user,"
              + " query or fragment, and of 1 to 256 characters");
    }
    return new RevocationSettings(list, url.map(text -> text.replaceAll("/+$", "")), point, ocsp);
  }

  private Optional<Path> manifest() throws ConfigurationException {
    String text = values.get(ConfigurationKey.MANIFEST);
    return text == null ? Optional.empty() : Optional.of(absolute(ConfigurationKey.MANIFEST, text));
  }

  private IssuingCaSettings issuing(Set<Profile> byDevice) throws ConfigurationException {
    IssuingCaSettings.Mode mode =
        switch (text(ConfigurationKey.TWO_SPEED)) {
          case "auto" -> IssuingCaSettings.Mode.AUTO;
          case "on" -> IssuingCaSettings.Mode.ON;
          case "off" -> IssuingCaSettings.Mode.OFF;
          default -> throw wrong(ConfigurationKey.TWO_SPEED, "must be \"auto\", \"on\" or \"off\"");
        };
    Duration lifetime =
        duration(ConfigurationKey.ISSUING_CA_LIFETIME, Duration.ofMinutes(15), LONGEST);
    Duration deviceCa = lifetimes().deviceCa();
    if (values.containsKey(ConfigurationKey.ISSUING_CA_LIFETIME)) {
      requireNotOver(
          ConfigurationKey.ISSUING_CA_LIFETIME, lifetime, deviceCa, "[lifetimes] device-ca");
    } else if (lifetime.compareTo(deviceCa) > 0) {
      lifetime = deviceCa;
    }
    return new IssuingCaSettings(mode, lifetime, byDevice);
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

  private Optional<Path> spiffe(Home home) throws ConfigurationException {
    return "off".equals(values.get(ConfigurationKey.SPIFFE))
        ? Optional.empty()
        : Optional.of(socket(ConfigurationKey.SPIFFE, home.spiffeSocket()));
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

  /** A value that must be an absolute path. */
  Path absolute(ConfigurationKey key, String text) throws ConfigurationException {
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

  /** The text of a key that may be left out and has no default. */
  Optional<String> given(ConfigurationKey key) {
    return Optional.ofNullable(values.get(key));
  }

  /** The text of a key, or of its default. */
  String text(ConfigurationKey key) throws ConfigurationException {
    String text = values.get(key);
    if (text != null) {
      return text;
    }
    return key.standard().orElseThrow(() -> wrong(key, "is missing"));
  }

  /** What is wrong with a key, to be thrown. */
  ConfigurationException wrong(ConfigurationKey key, String what) {
    return new ConfigurationException(file + ": " + key.title() + " " + what);
  }
}
