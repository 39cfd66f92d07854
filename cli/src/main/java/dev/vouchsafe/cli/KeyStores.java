package dev.vouchsafe.cli;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.Pkcs11Uri;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.PrivateKeyStores;
import dev.vouchsafe.keys.SealSource;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.nio.file.Path;
import java.util.Map;

/** Makes and opens the key store that the configuration chooses, and never another. */
final class KeyStores {
  private final Configuration configuration;
  private final Map<String, String> environment;
  private final SoftwareCrypto crypto;

  KeyStores(Configuration configuration, Map<String, String> environment, SoftwareCrypto crypto) {
    this.configuration = configuration;
    this.environment = environment;
    this.crypto = crypto;
  }

  /**
   * Makes a new store.
   *
   * @param folder the store's folder, which is not there yet
   * @param sealKey where a generated sealing secret is to be
   */
  PrivateKeyStore create(Path folder, Path sealKey) throws KeyFault, CommandFailure {
    return switch (configuration.keys().store()) {
      case Configuration.Store.Software software ->
          PrivateKeyStores.createSoftware(folder, seal(software.seal(), sealKey), crypto);
      case Configuration.Store.Pkcs11(Pkcs11Uri uri) ->
          PrivateKeyStores.createPkcs11(folder, uri, crypto);
    };
  }

  /** Opens the store of that home. */
  PrivateKeyStore open(Home home) throws KeyFault, CommandFailure {
    return switch (configuration.keys().store()) {
      case Configuration.Store.Software software ->
          PrivateKeyStores.openSoftware(home.keys(), seal(software.seal(), home.sealKey()), crypto);
      case Configuration.Store.Pkcs11(Pkcs11Uri uri) ->
          PrivateKeyStores.openPkcs11(home.keys(), uri, crypto);
    };
  }

  /**
   * Destroys what a store keeps outside of its folder, for a home that was not made to the end: the
   * folder itself goes with the home.
   */
  void destroyOutside(Path folder) throws KeyFault {
    if (configuration.keys().store() instanceof Configuration.Store.Pkcs11(Pkcs11Uri uri)) {
      PrivateKeyStores.destroyPkcs11(folder, uri);
    }
  }

  /** A token for people, as its URI names it. */
  static String named(Pkcs11Uri uri) {
    String token = uri.token().map(label -> "token '" + label + "'").orElse("token");
    return token + uri.serial().map(serial -> " (serial " + serial + ")").orElse("");
  }

  private SealSource seal(Configuration.Seal seal, Path generated) throws CommandFailure {
    return switch (seal) {
      case Configuration.Seal.Generated _ -> new SealSource.GeneratedFile(generated);
      case Configuration.Seal.Passphrase passphrase ->
          new SealSource.PassphraseFile(passphrase.file());
      case Configuration.Seal.Credential credential -> {
        String folder = environment.get("CREDENTIALS_DIRECTORY");
        if (folder == null || folder.isEmpty()) {
          throw CommandFailure.failed(
              "keys.seal names the systemd credential "
                  + credential.name()
                  + ", but CREDENTIALS_DIRECTORY is not set; start it from a unit with"
                  + " LoadCredential="
                  + credential.name()
                  + ":PATH");
        }
        yield new SealSource.SystemdCredential(Path.of(folder), credential.name());
      }
    };
  }
}
