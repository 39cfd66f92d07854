package dev.vouchsafe.keys;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

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

  /** Whether that folder is the record of a store in a PKCS#11 token. */
  public static boolean isPkcs11(Path directory) {
    return Files.exists(directory.resolve(StoreId.FILE), LinkOption.NOFOLLOW_LINKS);
  }
}
