package dev.vouchsafe.keys;

import java.nio.file.Path;

/** Where the software store's sealing secret comes from. */
public sealed interface SealSource {
  /**
   * A file with a passphrase, made and kept by the operator. One line of UTF-8; the line's end
   * doesn't count. Must not be readable by others than its owner and group.
   */
  record PassphraseFile(Path file) implements SealSource {}

  /**
   * A systemd credential (systemd.exec LoadCredential=), read from the folder that the environment
   * variable {@code CREDENTIALS_DIRECTORY} named at start.
   *
   * @param directory that folder
   * @param name the credential's name
   */
  record SystemdCredential(Path directory, String name) implements SealSource {}

  /**
   * A file of 32 random octets that {@link PrivateKeyStores#createSoftware} makes. It protects a
   * copy of the data directory only: whoever reads the file as well has the keys.
   */
  record GeneratedFile(Path file) implements SealSource {}
}
