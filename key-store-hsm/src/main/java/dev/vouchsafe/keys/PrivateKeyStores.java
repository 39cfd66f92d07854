package dev.vouchsafe.keys;

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
}
