package dev.vouchsafe.cli;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The key stores that a gateway can have side by side. The name of an authority's store is in the
 * ledger and never changes; where a store of that name is, {@code [keys]} of the configuration
 * says.
 */
enum KeyStoreName {
  /** Encrypted files in the data folder. */
  SOFTWARE("software", ConfigurationKey.SEAL),
  /** A PKCS#11 token. */
  PKCS11("pkcs11", ConfigurationKey.PKCS11_URI),
  /** A TPM 2.0. */
  TPM("tpm", ConfigurationKey.TPM_TCTI),
  /** A PKCS#11 token of the root's own. */
  ROOT_PKCS11("root-pkcs11", ConfigurationKey.ROOT_PKCS11_URI);

  private final String text;
  private final ConfigurationKey setting;

  KeyStoreName(String text, ConfigurationKey setting) {
    this.text = text;
    this.setting = setting;
  }

  /** As the ledger, the configuration and the command line have it. */
  String text() {
    return text;
  }

  /** The setting that says where it is, to be named when it is not there. */
  ConfigurationKey setting() {
    return setting;
  }

  static Optional<KeyStoreName> parse(String text) {
    return Arrays.stream(values()).filter(name -> name.text.equals(text)).findFirst();
  }

  /** The stores that can hold every authority of a gateway. */
  static List<KeyStoreName> forAll() {
    return List.of(SOFTWARE, PKCS11, TPM);
  }

  /** For messages: the texts, with commas between them. */
  static String texts(List<KeyStoreName> names) {
    return String.join(", ", names.stream().map(KeyStoreName::text).toList());
  }
}
