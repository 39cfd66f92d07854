package dev.vouchsafe.ca;

import dev.vouchsafe.keys.KeyType;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * What a leaf certificate of one profile says. It has no way to say that it is a CA.
 *
 * @param name the profile's name
 * @param keyTypes the key types that are certified; of a key made here the configured type if it is
 *     among them, else the first
 * @param lifetime how long it lives when neither request nor registration says otherwise
 * @param cap the longest it may live
 * @param usages what its key may be used for; of those, the ones that its type can do
 * @param purposes object identifiers of the extended key usages, in the order in which they are
 *     encoded; at least one
 * @param subject what its subject is made of
 * @param named where the common name comes from
 * @param names the kinds of names that it has
 * @param nameRequired whether it must have a DNS or IP name
 */
public record LeafProfile(
    Profile name,
    List<KeyType> keyTypes,
    Duration lifetime,
    Duration cap,
    Set<Usage> usages,
    List<String> purposes,
    SubjectTemplate subject,
    CommonName named,
    Set<NameKind> names,
    boolean nameRequired) {
  /** id-kp-serverAuth (RFC 5280 section 4.2.1.12). */
  public static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";

  /** id-kp-clientAuth (RFC 5280 section 4.2.1.12). */
  public static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

  /**
   * A use of a leaf's key (RFC 5280 section 4.2.1.3). Those of a CA, keyCertSign and cRLSign, are
   * not among them.
   */
  public enum Usage {
    DIGITAL_SIGNATURE("digitalSignature", 0x80),
    NON_REPUDIATION("nonRepudiation", 0x40),
    /** Only RSA keys can do it (RFC 8813 section 3). */
    KEY_ENCIPHERMENT("keyEncipherment", 0x20),
    /** Only RSA keys can do it (RFC 8813 section 3). */
    DATA_ENCIPHERMENT("dataEncipherment", 0x10),
    /** Only EC keys can do it (RFC 4055 section 1.2). */
    KEY_AGREEMENT("keyAgreement", 0x08);

    private final String text;
    private final int bit;

    Usage(String text, int bit) {
      this.text = text;
      this.bit = bit;
    }

    /** The name of it in X.509. */
    public String text() {
      return text;
    }

    int bit() {
      return bit;
    }

    boolean fits(KeyType type) {
      boolean rsa = type.keyAlgorithm().equals("RSA");
      return switch (this) {
        case DIGITAL_SIGNATURE, NON_REPUDIATION -> true;
        case KEY_ENCIPHERMENT, DATA_ENCIPHERMENT -> rsa;
        case KEY_AGREEMENT -> !rsa;
      };
    }
  }

  /** Where the common name of a leaf comes from when none is asked for. */
  public enum CommonName {
    /** The module's own name, which is a subject and no SAN. */
    MODULE("module"),
    /** The first of its DNS and IP names. */
    NAME("name");

    private final String text;

    CommonName(String text) {
      this.text = text;
    }

    /** The name of it in the configuration. */
    public String text() {
      return text;
    }
  }

  /** A kind of subject alternative name (RFC 5280 section 4.2.1.6). */
  public enum NameKind {
    DNS("dns"),
    IP("ip"),
    /** The SPIFFE ID as URI, if the registration has one. */
    SPIFFE("spiffe");

    private final String text;

    NameKind(String text) {
      this.text = text;
    }

    /** The name of it in the configuration. */
    public String text() {
      return text;
    }
  }

  public LeafProfile {
    keyTypes = List.copyOf(keyTypes);
    usages = Set.copyOf(usages);
    purposes = List.copyOf(purposes);
    names = Set.copyOf(names);
  }

  /** The bits of the key usage of a key of that type, the first in the highest place. */
  int usageBits(KeyType type) {
    return usages.stream()
        .filter(usage -> usage.fits(type))
        .mapToInt(Usage::bit)
        .reduce(0, (all, bit) -> all | bit);
  }

  /** Whether the SPIFFE ID, if the grant has one, stands in the certificate. */
  boolean carriesSpiffeId() {
    return names.contains(NameKind.SPIFFE);
  }

  /** Whether the module's name is its common name when none is asked for. */
  boolean isNamedByModule() {
    return named == CommonName.MODULE;
  }

  /** Whether somebody shows it to tell who he is: it is good for more than a server. */
  boolean isShownByClients() {
    return !purposes.equals(List.of(SERVER_AUTH));
  }
}
