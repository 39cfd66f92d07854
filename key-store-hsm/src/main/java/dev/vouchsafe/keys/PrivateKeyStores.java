package dev.vouchsafe.keys;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;

/** Opens key stores. */
public final class PrivateKeyStores {
  private PrivateKeyStores() {}

  /**
   * Makes a new, empty software store.
   *
   * @param directory a folder that doesn't exist yet, in one that does; it is made with mode 0700
   * @param seal where the sealing secret comes from; a {@link SealSource.GeneratedFile} is made
   *     here, and must not exist yet either
   * @throws KeyFault.Failed if the folder exists, or the secret can't be had
   */
  public static PrivateKeyStore createSoftware(
      Path directory, SealSource seal, SoftwareCrypto crypto) throws KeyFault {
    return SoftwareStores.here().create(directory, seal, crypto);
  }

  /**
   * Opens a software store.
   *
   * @throws KeyFault.Failed if it isn't there, if the secret doesn't open it, or if others than its
   *     owner could read or change it
   */
  public static PrivateKeyStore openSoftware(Path directory, SealSource seal, SoftwareCrypto crypto)
      throws KeyFault {
    return SoftwareStores.here().open(directory, seal, crypto);
  }

  /**
   * Removes the sealing secret that was generated for a software store which was not made to the
   * end. The folder stays. Does nothing if the store is whole.
   */
  public static void destroySoftware(Path directory, SealSource seal) throws KeyFault {
    SoftwareStores.here().destroy(directory, seal);
  }

  /**
   * Makes a new, empty store in a PKCS#11 token, which must be there and initialized. Its keys are
   * told from others in the token by a random store id.
   *
   * @param directory a folder that doesn't exist yet, in one that does; made with mode 0700, it
   *     keeps the store id and nothing secret
   * @throws KeyFault if the library, the token or the PIN is wrong, or the token can't do what is
   *     needed; the message names the attribute of the URI; nothing is left in token or folder
   */
  public static PrivateKeyStore createPkcs11(Path directory, Pkcs11Uri uri, SoftwareCrypto crypto)
      throws KeyFault {
    return Pkcs11Stores.here().create(directory, uri, crypto);
  }

  /**
   * Opens a store in a PKCS#11 token. If the token is away just now, the store opens all the same,
   * and each call says {@link KeyFault.Unavailable} until the token is back.
   *
   * @throws KeyFault.Failed if the library or the PIN is wrong, or the token has no such store
   */
  public static PrivateKeyStore openPkcs11(Path directory, Pkcs11Uri uri, SoftwareCrypto crypto)
      throws KeyFault {
    return Pkcs11Stores.here().open(directory, uri, crypto);
  }

  /**
   * Destroys every object of the store in its token, for a gateway that was not made to the end.
   * The folder stays. Does nothing if the folder has no store id.
   */
  public static void destroyPkcs11(Path directory, Pkcs11Uri uri) throws KeyFault {
    Pkcs11Stores.here().destroy(directory, uri);
  }

  /** As {@link #createPkcs11(Path, Pkcs11Uri, SoftwareCrypto)}, with the library where it says. */
  public static PrivateKeyStore createPkcs11(
      Path directory, Pkcs11Settings settings, SoftwareCrypto crypto) throws KeyFault {
    return Pkcs11Stores.here().create(directory, settings, crypto);
  }

  /** As {@link #openPkcs11(Path, Pkcs11Uri, SoftwareCrypto)}, with the library where it says. */
  public static PrivateKeyStore openPkcs11(
      Path directory, Pkcs11Settings settings, SoftwareCrypto crypto) throws KeyFault {
    return Pkcs11Stores.here().open(directory, settings, crypto);
  }

  /** As {@link #destroyPkcs11(Path, Pkcs11Uri)}, with the library where it says. */
  public static void destroyPkcs11(Path directory, Pkcs11Settings settings) throws KeyFault {
    Pkcs11Stores.here().destroy(directory, settings);
  }

  /** Whether that folder is the record of a store in a PKCS#11 token. */
  public static boolean isPkcs11(Path directory) {
    return Files.exists(directory.resolve(StoreId.FILE), LinkOption.NOFOLLOW_LINKS);
  }

  /**
   * Makes a new, empty store in a TPM 2.0.
   *
   * @param directory a folder that doesn't exist yet, in one that does; made with mode 0700, it
   *     keeps blobs that only that TPM can load
   * @throws KeyFault if tpm2-tools are missing or too old, the TPM can't be reached, or an auth
   *     value is wrong; the message names the setting; nothing is left in TPM or folder
   */
  public static PrivateKeyStore createTpm(
      Path directory, TpmSettings settings, SoftwareCrypto crypto) throws KeyFault {
    return TpmStores.here().create(directory, settings, crypto);
  }

  /**
   * Opens a store in a TPM. If the TPM is away just now, the store opens all the same, and each
   * call says {@link KeyFault.Unavailable} until it is back.
   *
   * @throws KeyFault.Failed if it is another TPM, or was cleared, or an auth value is wrong
   */
  public static PrivateKeyStore openTpm(Path directory, TpmSettings settings, SoftwareCrypto crypto)
      throws KeyFault {
    return TpmStores.here().open(directory, settings, crypto);
  }

  /**
   * Evicts every object of the store from its TPM, for a gateway that was not made to the end. The
   * folder stays.
   */
  public static void destroyTpm(Path directory, TpmSettings settings) throws KeyFault {
    TpmStores.here().destroy(directory, settings);
  }

  /** Whether that folder is the record of a store in a TPM. */
  public static boolean isTpm(Path directory) {
    return Files.exists(directory.resolve(TpmStoreFile.FILE), LinkOption.NOFOLLOW_LINKS)
        || Files.exists(directory.resolve(TpmStores.GENERATED), LinkOption.NOFOLLOW_LINKS);
  }

  /** As {@link #openSoftware}, and nothing that an interrupted writer left is removed. */
  public static PrivateKeyStore lookIntoSoftware(
      Path directory, SealSource seal, SoftwareCrypto crypto) throws KeyFault {
    return SoftwareStores.here().openUnchanged(directory, seal, crypto);
  }

  /** As {@link #openPkcs11}, and nothing in the folder is changed, no note of the PIN either. */
  public static PrivateKeyStore lookIntoPkcs11(
      Path directory, Pkcs11Settings settings, SoftwareCrypto crypto) throws KeyFault {
    return Pkcs11Stores.here().openUnchanged(directory, settings, crypto);
  }

  /** As {@link #openTpm}, and nothing in folder or TPM is changed or mended. */
  public static PrivateKeyStore lookIntoTpm(
      Path directory, TpmSettings settings, SoftwareCrypto crypto) throws KeyFault {
    return TpmStores.here().openUnchanged(directory, settings, crypto);
  }

  /**
   * Looks at everything that a software store stands on, and changes nothing.
   *
   * @param directory its folder, which need not exist
   */
  public static List<KeyStoreFinding> examineSoftware(Path directory, SealSource seal) {
    return new SoftwareExamination(SoftwareStores.here(), directory, seal).run();
  }

  /**
   * Looks at everything that a PKCS#11 store stands on, step by step, and stops where the next step
   * can't be taken: files, library, slot, token, PIN (tried once, and not where that may lock the
   * token), mechanisms, store. Changes nothing.
   *
   * @param directory its folder, which need not exist
   */
  public static List<KeyStoreFinding> examinePkcs11(Path directory, Pkcs11Uri uri) {
    return Pkcs11Stores.here().examine(directory, uri);
  }

  /** As {@link #examinePkcs11(Path, Pkcs11Uri)}, with the library where it says. */
  public static List<KeyStoreFinding> examinePkcs11(Path directory, Pkcs11Settings settings) {
    return Pkcs11Stores.here().examine(directory, settings);
  }

  /**
   * Looks at everything that a TPM store stands on, step by step: tpm2-tools and their version, the
   * TPM, auth values, PCR policy, store. Changes nothing.
   *
   * @param directory its folder, which need not exist
   */
  public static List<KeyStoreFinding> examineTpm(Path directory, TpmSettings settings) {
    return TpmStores.here().examine(directory, settings);
  }
}
