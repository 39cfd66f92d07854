package dev.vouchsafe.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Every key of {@code vouchsafe.toml}, with the text of its default. The order is that of docs. */
enum ConfigurationKey {
  DEVICE_ID("gateway", "device-id", Kind.TEXT, null),
  TRUST_DOMAIN("gateway", "trust-domain", Kind.TEXT, null),
  LAYER("gateway", "layer", Kind.INTEGER, "1"),
  ISSUER("gateway", "issuer", Kind.TEXT, null),
  WORKLOAD("listen", "workload", Kind.TEXT, null),
  SPIFFE("listen", "spiffe", Kind.TEXT, null),
  ADMIN("listen", "admin", Kind.TEXT, null),
  HTTPS("listen", "https", Kind.TEXT, ":8443"),
  STORE("keys", "store", Kind.TEXT, "software"),
  ROOT_STORE("keys", "root-store", Kind.TEXT, null),
  SEAL("keys", "seal", Kind.TEXT, "generated"),
  PKCS11_URI("keys", "pkcs11-uri", Kind.TEXT, null),
  ROOT_PKCS11_URI("keys", "root-pkcs11-uri", Kind.TEXT, null),
  PKCS11_HELPER("keys", "pkcs11-helper", Kind.BOOLEAN, "false"),
  TPM_TCTI("keys", "tpm-tcti", Kind.TEXT, null),
  TPM_OWNER_AUTH("keys", "tpm-owner-auth", Kind.TEXT, "none"),
  TPM_KEY_AUTH("keys", "tpm-key-auth", Kind.TEXT, "generated"),
  TPM_PCRS("keys", "tpm-pcrs", Kind.TEXT, null),
  TPM_OBJECTS("keys", "tpm-objects", Kind.TEXT, "blobs"),
  ROOT_TYPE("keys", "root-type", Kind.TEXT, "ec-p256"),
  DEVICE_TYPE("keys", "device-type", Kind.TEXT, "ec-p256"),
  LEAF_TYPE("keys", "leaf-type", Kind.TEXT, "ec-p256"),
  TWO_SPEED("issuing", "two-speed", Kind.TEXT, "auto"),
  ROOT_LIFETIME("lifetimes", "root", Kind.TEXT, "7305d"),
  DEVICE_CA_LIFETIME("lifetimes", "device-ca", Kind.TEXT, "730d"),
  ISSUING_CA_LIFETIME("lifetimes", "issuing-ca", Kind.TEXT, "24h"),
  LEAF_LIFETIME("lifetimes", "leaf", Kind.TEXT, "1h"),
  LEAF_CAP("lifetimes", "leaf-cap", Kind.TEXT, "30d"),
  TOKEN_LIFETIME("lifetimes", "token", Kind.TEXT, "5m"),
  TOKEN_CAP("lifetimes", "token-cap", Kind.TEXT, "24h"),
  TOKEN_KEY_LIFETIME("lifetimes", "token-key", Kind.TEXT, "30d"),
  CRL_LIFETIME("lifetimes", "crl", Kind.TEXT, "7d"),
  TRACER("attestation", "tracer", Kind.TEXT, "refuse"),
  DOCKER("attestation", "docker", Kind.TEXT, "/run/docker.sock"),
  PODMAN("attestation", "podman", Kind.TEXT, "/run/podman/podman.sock"),
  CONNECTIONS("limits", "connections", Kind.INTEGER, "4096"),
  WAITING("limits", "waiting", Kind.INTEGER, "1024"),
  PER_UID("limits", "per-uid", Kind.INTEGER, "512"),
  LIVE_CERTIFICATES("limits", "live-certificates", Kind.INTEGER, null),
  LEDGER_MB("limits", "ledger-mb", Kind.INTEGER, null),
  LEDGER_DAYS("limits", "ledger-days", Kind.INTEGER, "30"),
  AUDIT_MB("limits", "audit-mb", Kind.INTEGER, "64"),
  AUDIT_DAYS("limits", "audit-days", Kind.INTEGER, "366"),
  REFRESH("bundle", "refresh", Kind.TEXT, "1h"),
  MANIFEST("bundle", "manifest", Kind.TEXT, null),
  EXTRA("bundle", "extra", Kind.LIST, null),
  CRL_URL("revocation", "crl-url", Kind.TEXT, null),
  DISTRIBUTION_POINT("revocation", "issuing-distribution-point", Kind.BOOLEAN, "false"),
  OCSP_URL("revocation", "ocsp-url", Kind.TEXT, null),
  ROTATION_AUTOMATIC("rotation", "automatic", Kind.BOOLEAN, "true"),
  ROTATION_WINDOW("rotation", "window", Kind.TEXT, null),
  CLOCK_UNTRUSTED("clock", "untrusted", Kind.TEXT, "bounded");

  /** What a value is in TOML. */
  enum Kind {
    TEXT("a text in quotes"),
    INTEGER("a whole number"),
    BOOLEAN("true or false, without quotes"),
    LIST("a list of texts in quotes, such as [\"/etc/a.pem\", \"/etc/b.pem\"]");

    private final String description;

    Kind(String description) {
      this.description = description;
    }

    String description() {
      return description;
    }
  }

  /**
   * Keys that the design has a place for and this version has no code for. They are refused, since
   * a key that is taken and does nothing is a lie to the one who set it.
   */
  private static final Map<String, List<String>> LATER = Map.of("listen", List.of("loopback"));

  private final String section;
  private final String key;
  private final Kind kind;
  private final Optional<String> standard;

  ConfigurationKey(String section, String key, Kind kind, @Nullable String standard) {
    this.section = section;
    this.key = key;
    this.kind = kind;
    this.standard = Optional.ofNullable(standard);
  }

  String section() {
    return section;
  }

  String key() {
    return key;
  }

  Kind kind() {
    return kind;
  }

  /** The text of its default, if one value fits every home. */
  Optional<String> standard() {
    return standard;
  }

  /** For messages: {@code [section] key}. */
  String title() {
    return "[" + section + "] " + key;
  }

  static Optional<ConfigurationKey> find(String section, String key) {
    return Arrays.stream(values())
        .filter(known -> known.section.equals(section) && known.key.equals(key))
        .findFirst();
  }

  static List<String> sections() {
    return Arrays.stream(values()).map(ConfigurationKey::section).distinct().toList();
  }

  static List<String> keysOf(String section) {
    return Arrays.stream(values())
        .filter(known -> known.section.equals(section))
        .map(ConfigurationKey::key)
        .toList();
  }

  /** Whether a later version is to have that key. */
  static boolean isLater(String section, String key) {
    return LATER.getOrDefault(section, List.of()).contains(key);
  }
}
