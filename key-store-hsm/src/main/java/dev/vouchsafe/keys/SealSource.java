package dev.vouchsafe.keys;

import java.nio.file.Path;

/** Where the software store's sealing secret comes from. */
public sealed interface SealSource {
  /**
   * A file with a passphrase, made and kept by the operator. One line of UTF-8; the line's end
   * doesn't count. It belongs to root or to us; its group may read it, and nobody else may do
   * anything with it. Unlike the other files, it may be a symbolic link.
   */
  record PassphraseFile(Path file) implements SealSource {}

  /**
   * A systemd credential (systemd.exec LoadCredential=), read from the folder that the environment
   * variable {@code CREDENTIALS_DIRECTORY} named at start. What holds for a passphrase's file holds
   * for it.
   *
   * @param directory that folder
   * @param name the credential's name
   */
  record SystemdCredential(Path directory, String name) implements SealSource {}

  /**
   * A file of 32 random octets in base64 that {@link PrivateKeyStores#createSoftware} makes, with
   * mode 0600. It protects a copy of the data directory only: whoever reads the file as well has
   * the keys.
   */
  record GeneratedFile(Path file) implements SealSource {}
}
