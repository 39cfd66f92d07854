package dev.vouchsafe.keys;

import java.nio.file.Path;

/** Opens key stores. */
@SuppressWarnings("DoNotCallSuggester")
public final class PrivateKeyStores {
  private PrivateKeyStores() {}

  /**
   * Makes a new, empty software store.
   *
   * @param directory a folder that doesn't exist yet; it is made with mode 0700
   * @param seal where the sealing secret comes from; a {@link SealSource.GeneratedFile} is made
   *     here
   * @throws KeyFault.Failed if the folder exists, or the secret can't be had
   */
  public static PrivateKeyStore createSoftware(
      Path directory, SealSource seal, SoftwareCrypto crypto) throws KeyFault {
    throw new UnsupportedOperationException();
  }

  /**
   * Opens a software store.
   *
   * @throws KeyFault.Failed if it isn't there, or the secret doesn't open it
   */
  public static PrivateKeyStore openSoftware(Path directory, SealSource seal, SoftwareCrypto crypto)
      throws KeyFault {
    throw new UnsupportedOperationException();
  }
}
