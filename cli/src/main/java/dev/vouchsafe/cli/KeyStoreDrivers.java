package dev.vouchsafe.cli;

import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyStoreFinding;
import dev.vouchsafe.keys.Pkcs11Settings;
import dev.vouchsafe.keys.Pkcs11Uri;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.PrivateKeyStores;
import dev.vouchsafe.keys.SealSource;
import dev.vouchsafe.keys.SoftwareCrypto;
import dev.vouchsafe.keys.TpmSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Hands each kind of key store the settings that it needs. Every fault that comes back names the
 * setting that leads to that store.
 */
final class KeyStoreDrivers {
  private final StoreFolders folders;
  private final Map<String, String> environment;
  private final SoftwareCrypto crypto;

  KeyStoreDrivers(StoreFolders folders, Map<String, String> environment, SoftwareCrypto crypto) {
    this.folders = folders;
    this.environment = environment;
    this.crypto = crypto;
  }

  /** One step with a store. */
  private interface Step<T> {
    T run() throws KeyFault;
  }

  /** Makes the store in that folder, which is not there yet. */
  PrivateKeyStore create(KeyStoreName name, Path folder, Configuration.Places places)
      throws KeyFault {
    return named(
        name,
        () ->
            switch (name) {
              case SOFTWARE -> PrivateKeyStores.createSoftware(folder, seal(places), crypto);
              case PKCS11, ROOT_PKCS11 ->
                  PrivateKeyStores.createPkcs11(folder, token(name, places), crypto);
              case TPM -> PrivateKeyStores.createTpm(folder, tpm(places), crypto);
            });
  }

  PrivateKeyStore open(KeyStoreName name, Path folder, Configuration.Places places)
      throws KeyFault {
    return named(
        name,
        () ->
            switch (name) {
              case SOFTWARE -> PrivateKeyStores.openSoftware(folder, seal(places), crypto);
              case PKCS11, ROOT_PKCS11 ->
                  PrivateKeyStores.openPkcs11(folder, token(name, places), crypto);
              case TPM -> PrivateKeyStores.openTpm(folder, tpm(places), crypto);
            });
  }

  /** The same for one who only looks: opening changes nothing, wherever it is. */
  PrivateKeyStore look(KeyStoreName name, Path folder, Configuration.Places places)
      throws KeyFault {
    return named(
        name,
        () ->
            switch (name) {
              case SOFTWARE -> PrivateKeyStores.lookIntoSoftware(folder, seal(places), crypto);
              case PKCS11, ROOT_PKCS11 ->
                  PrivateKeyStores.lookIntoPkcs11(folder, token(name, places), crypto);
              case TPM -> PrivateKeyStores.lookIntoTpm(folder, tpm(places), crypto);
            });
  }

  /** Destroys what that store keeps outside of its folder. */
  void destroyOutside(StoreFolders.Found found, Configuration.Places places) throws KeyFault {
    if (PrivateKeyStores.isPkcs11(found.folder())) {
      PrivateKeyStores.destroyPkcs11(found.folder(), token(found.name(), places));
    } else if (PrivateKeyStores.isTpm(found.folder())) {
      PrivateKeyStores.destroyTpm(found.folder(), tpm(places));
    } else if (found.name() == KeyStoreName.SOFTWARE) {
      PrivateKeyStores.destroySoftware(found.folder(), seal(places));
    }
  }

  /** Looks at everything that a store stands on, and changes nothing. */
  List<KeyStoreFinding> examine(KeyStoreName name, Path folder, Configuration.Places places) {
    try {
      return switch (name) {
        case SOFTWARE -> PrivateKeyStores.examineSoftware(folder, seal(places));
        case PKCS11, ROOT_PKCS11 -> PrivateKeyStores.examinePkcs11(folder, token(name, places));
        case TPM -> PrivateKeyStores.examineTpm(folder, tpm(places));
      };
    } catch (KeyFault e) {
      return List.of(
          new KeyStoreFinding(
              KeyStoreFinding.Outcome.FAILED, "settings", Causes.text(e), name.setting().title()));
    }
  }

  private static <T> T named(KeyStoreName name, Step<T> step) throws KeyFault {
    String prefix = "key store " + name.text() + ", " + name.setting().title() + ": ";
    try {
      return step.run();
    } catch (KeyFault.Unavailable e) {
      throw new KeyFault.Unavailable(prefix + Causes.text(e), e);
    } catch (KeyFault.Failed e) {
      throw new KeyFault.Failed(prefix + Causes.text(e), e);
    }
  }

  private static Pkcs11Settings token(KeyStoreName name, Configuration.Places places)
      throws KeyFault.Failed {
    Optional<Pkcs11Uri> uri =
        name == KeyStoreName.ROOT_PKCS11 ? places.rootPkcs11() : places.pkcs11();
    return new Pkcs11Settings(
        uri.orElseThrow(() ->
            new KeyFault.Failed(
                "it is missing in the configuration, and an authority's key is in that token, or is"
                    + " to be; say there which token it is")),
        places.pkcs11Helper());
  }

  private SealSource seal(Configuration.Places places) throws KeyFault.Failed {
    return source(places.seal(), ConfigurationKey.SEAL, folders.sealKey());
  }

  private TpmSettings tpm(Configuration.Places places) throws KeyFault.Failed {
    Configuration.Tpm tpm = places.tpm();
    return new TpmSettings(
        tpm.tcti(),
        auth(tpm.ownerAuth(), ConfigurationKey.TPM_OWNER_AUTH),
        auth(tpm.keyAuth(), ConfigurationKey.TPM_KEY_AUTH),
        tpm.pcrs(),
        tpm.objects());
  }

  private Optional<SealSource> auth(Optional<Configuration.Seal> auth, ConfigurationKey key)
      throws KeyFault.Failed {
    return auth.isEmpty()
        ? Optional.empty()
        : Optional.of(source(auth.get(), key, folders.tpmAuthKey()));
  }

  private SealSource source(Configuration.Seal seal, ConfigurationKey key, Path generated)
      throws KeyFault.Failed {
    return switch (seal) {
      case Configuration.Seal.Generated _ -> new SealSource.GeneratedFile(generated);
      case Configuration.Seal.Passphrase(Path file) -> new SealSource.PassphraseFile(file);
      case Configuration.Seal.Credential(String name) -> {
        String folder = environment.get("CREDENTIALS_DIRECTORY");
        if (folder == null || folder.isEmpty()) {
          throw new KeyFault.Failed(
              key.title()
                  + " names the systemd credential "
                  + name
                  + ", but CREDENTIALS_DIRECTORY is not set; start it from a unit with"
                  + " LoadCredential="
                  + name
                  + ":PATH");
        }
        yield new SealSource.SystemdCredential(Path.of(folder), name);
      }
    };
  }
}
