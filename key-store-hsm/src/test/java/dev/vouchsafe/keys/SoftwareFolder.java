package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/** A software store in a folder of a test, and the ways to it that an attacker has. */
final class SoftwareFolder {
  static final SoftwareCrypto CRYPTO = SoftwareCrypto.choose();

  private final SoftwareStores stores = new SoftwareStores(SoftwareStores.effectiveUser(), 1_000);
  final Path home;
  final Path folder;
  final Path sealFile;
  final SealSource seal;

  SoftwareFolder(Path home) {
    this.home = home;
    this.folder = home.resolve("keys");
    this.sealFile = home.resolve("seal.key");
    this.seal = new SealSource.GeneratedFile(sealFile);
  }

  PrivateKeyStore create() throws KeyFault {
    return create(seal);
  }

  PrivateKeyStore create(SealSource source) throws KeyFault {
    return stores.create(folder, source, CRYPTO);
  }

  PrivateKeyStore open() throws KeyFault {
    return open(seal);
  }

  PrivateKeyStore open(SealSource source) throws KeyFault {
    return stores.open(folder, source, CRYPTO);
  }

  Path header() {
    return folder.resolve(SoftwareStores.HEADER);
  }

  Path file(KeyLabel label) {
    return KeyFile.in(folder, label.encoded());
  }

  List<Path> files() throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      all.forEach(files::add);
    }
    return files;
  }

  SealSource.PassphraseFile passphrase(String text) throws IOException {
    return new SealSource.PassphraseFile(write("passphrase", "rw-------", text));
  }

  Path write(String name, String mode, String text) throws IOException {
    Path file = Files.writeString(home.resolve(name), text);
    chmod(file, mode);
    return file;
  }

  static void chmod(Path path, String mode) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
  }

  static String mode(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
