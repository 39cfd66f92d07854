package dev.vouchsafe.cli;

import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PcrSelection;
import dev.vouchsafe.keys.Pkcs11Uri;
import dev.vouchsafe.keys.TpmSettings;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Turns the texts of {@code [keys]} into checked values. Settings of a store that is not in use are
 * taken and checked like the others: an authority may be in it, or may be about to move there.
 */
final class KeyStoreValues {
  private static final Pattern CREDENTIAL = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,254}");

  /** A TCTI's name and its configuration: no control characters, no spaces, no option's dash. */
  private static final Pattern TCTI = Pattern.compile("[a-z][a-z0-9-]{0,31}(:[!-~]{0,255})?");

  private static final String GENERATED = "generated";
  private static final String NONE = "none";
  private static final String URI_EXAMPLE =
      "\"pkcs11:token=gateway?module-path=/usr/lib/softhsm/libsofthsm2.so"
          + "&pin-source=file:/etc/vouchsafe/pin\"";

  private final ConfigurationValues values;

  KeyStoreValues(ConfigurationValues values) {
    this.values = values;
  }

  Configuration.Keys keys() throws ConfigurationException {
    KeyStoreName store = store();
    Configuration.Places places =
        new Configuration.Places(
            seal(),
            pkcs11Uri(ConfigurationKey.PKCS11_URI),
            pkcs11Uri(ConfigurationKey.ROOT_PKCS11_URI),
            Boolean.parseBoolean(values.text(ConfigurationKey.PKCS11_HELPER)),
            tpm());
    KeyStoreName rootStore = rootStore(store, places);
    if (store == KeyStoreName.PKCS11 || rootStore == KeyStoreName.PKCS11) {
      require(places.pkcs11(), ConfigurationKey.PKCS11_URI);
    }
    if (rootStore == KeyStoreName.ROOT_PKCS11) {
      require(places.rootPkcs11(), ConfigurationKey.ROOT_PKCS11_URI);
    }
    return new Configuration.Keys(
        store,
        rootStore,
        places,
        keyType(ConfigurationKey.ROOT_TYPE),
        keyType(ConfigurationKey.DEVICE_TYPE),
        keyType(ConfigurationKey.LEAF_TYPE));
  }

  private void require(Optional<Pkcs11Uri> uri, ConfigurationKey key)
      throws ConfigurationException {
    if (uri.isEmpty()) {
      throw values.wrong(key, "is missing; such as " + URI_EXAMPLE);
    }
  }

  /** One only: what to try first, and what then, is a matter of {@code init}. */
  private KeyStoreName store() throws ConfigurationException {
    String text = values.text(ConfigurationKey.STORE);
    if (text.contains(",")) {
      throw values.wrong(
          ConfigurationKey.STORE,
          "is one store; a list of stores to try is for `vouchsafe init --key-store`");
    }
    return KeyStoreName.parse(text)
        .filter(KeyStoreName.forAll()::contains)
        .orElseThrow(() ->
            values.wrong(
                ConfigurationKey.STORE, "must be one of " + KeyStoreName.texts(names(false))));
  }

  private KeyStoreName rootStore(KeyStoreName store, Configuration.Places places)
      throws ConfigurationException {
    Optional<String> text = values.given(ConfigurationKey.ROOT_STORE);
    if (text.isEmpty()) {
      return places.rootPkcs11().isPresent() ? KeyStoreName.ROOT_PKCS11 : store;
    }
    return KeyStoreName.parse(text.get())
        .orElseThrow(() ->
            values.wrong(
                ConfigurationKey.ROOT_STORE, "must be one of " + KeyStoreName.texts(names(true))));
  }

  private static List<KeyStoreName> names(boolean forRoot) {
    return forRoot ? List.of(KeyStoreName.values()) : KeyStoreName.forAll();
  }

  private Optional<Pkcs11Uri> pkcs11Uri(ConfigurationKey key) throws ConfigurationException {
    Optional<String> text = values.given(key);
    try {
      return text.map(Pkcs11Uri::parse);
    } catch (IllegalArgumentException e) {
      throw values.wrong(key, String.valueOf(e.getMessage()));
    }
  }

  private KeyType keyType(ConfigurationKey key) throws ConfigurationException {
    return KeyType.parse(values.text(key))
        .orElseThrow(() ->
            values.wrong(
                key,
                "must be one of "
                    + String.join(
                        ", ", Arrays.stream(KeyType.values()).map(KeyType::text).toList())));
  }

  private Configuration.Tpm tpm() throws ConfigurationException {
    return new Configuration.Tpm(
        tcti(),
        secret(ConfigurationKey.TPM_OWNER_AUTH),
        secret(ConfigurationKey.TPM_KEY_AUTH),
        pcrs(),
        objects());
  }

  private Optional<String> tcti() throws ConfigurationException {
    Optional<String> text = values.given(ConfigurationKey.TPM_TCTI);
    if (text.isPresent() && !TCTI.matcher(text.get()).matches()) {
      throw values.wrong(
          ConfigurationKey.TPM_TCTI,
          "must be a TCTI as tpm2-tools take it, such as \"device:/dev/tpmrm0\" or"
              + " \"swtpm:path=/run/swtpm.sock\"");
    }
    return text;
  }

  private Optional<PcrSelection> pcrs() throws ConfigurationException {
    try {
      return values.given(ConfigurationKey.TPM_PCRS).map(PcrSelection::parse);
    } catch (IllegalArgumentException e) {
      throw values.wrong(ConfigurationKey.TPM_PCRS, String.valueOf(e.getMessage()));
    }
  }

  private TpmSettings.Objects objects() throws ConfigurationException {
    return switch (values.text(ConfigurationKey.TPM_OBJECTS)) {
      case "blobs" -> TpmSettings.Objects.BLOBS;
      case "persistent" -> TpmSettings.Objects.PERSISTENT;
      default ->
          throw values.wrong(ConfigurationKey.TPM_OBJECTS, "must be \"blobs\" or \"persistent\"");
    };
  }

  private Configuration.Seal seal() throws ConfigurationException {
    String text = values.text(ConfigurationKey.SEAL);
    return source(ConfigurationKey.SEAL, text)
        .orElseThrow(() ->
            values.wrong(
                ConfigurationKey.SEAL,
                "must be \"generated\", \"file:/absolute/path\" or \"credential:NAME\""));
  }

  /** An auth value of the TPM. That of its owner is not ours to generate. */
  private Optional<Configuration.Seal> secret(ConfigurationKey key) throws ConfigurationException {
    String text = values.text(key);
    if (text.equals(NONE)) {
      return Optional.empty();
    }
    boolean ours = key == ConfigurationKey.TPM_KEY_AUTH;
    Optional<Configuration.Seal> source =
        text.equals(GENERATED) && !ours ? Optional.empty() : source(key, text);
    if (source.isEmpty()) {
      throw values.wrong(
          key,
          "must be \"none\", "
              + (ours ? "\"generated\", " : "")
              + "\"file:/absolute/path\" or \"credential:NAME\"");
    }
    return source;
  }

  private Optional<Configuration.Seal> source(ConfigurationKey key, String text)
      throws ConfigurationException {
    if (text.equals(GENERATED)) {
      return Optional.of(new Configuration.Seal.Generated());
    }
    if (text.startsWith("file:")) {
      return Optional.of(
          new Configuration.Seal.Passphrase(
              values.absolute(key, text.substring("file:".length()))));
    }
    if (text.startsWith("credential:")) {
      String name = text.substring("credential:".length());
      if (CREDENTIAL.matcher(name).matches()) {
        return Optional.of(new Configuration.Seal.Credential(name));
      }
    }
    return Optional.empty();
  }
}
