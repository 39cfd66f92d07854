package dev.vouchsafe.keys;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A store in a TPM, in a folder of a test, with a clock that the test moves. */
final class TpmHome {
  static final SoftwareCrypto CRYPTO = SoftwareCrypto.choose();
  static final KeyLabel CA = KeyLabel.of("device-ca", "1");
  static final byte[] MESSAGE = {1, 2, 3};

  private final AtomicLong nanos = new AtomicLong(1);
  final Path home;
  final Path folder;
  final TpmStores stores;
  TpmSettings settings;

  TpmHome(Path home, Swtpm tpm) {
    this(home, tpm.tcti(), TpmTools.PLACES);
  }

  TpmHome(Path home, String tcti, List<Path> places) {
    this(home, tcti, places, Map.of());
  }

  TpmHome(Path home, String tcti, List<Path> places, Map<String, String> environment) {
    this.home = home;
    this.folder = home.resolve("keys");
    this.stores = new TpmStores(SoftwareStores.effectiveUser(), nanos::get, places, environment);
    this.settings =
        new TpmSettings(
            Optional.of(tcti),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            TpmSettings.Objects.BLOBS);
  }

  TpmHome persistent() {
    settings =
        new TpmSettings(
            settings.tcti(),
            settings.ownerAuth(),
            settings.keyAuth(),
            settings.pcrs(),
            TpmSettings.Objects.PERSISTENT);
    return this;
  }

  TpmHome ownerAuth(SealSource source) {
    settings =
        new TpmSettings(
            settings.tcti(),
            Optional.of(source),
            settings.keyAuth(),
            settings.pcrs(),
            settings.objects());
    return this;
  }

  TpmHome keyAuth(SealSource source) {
    settings =
        new TpmSettings(
            settings.tcti(),
            settings.ownerAuth(),
            Optional.of(source),
            settings.pcrs(),
            settings.objects());
    return this;
  }

  TpmHome pcrs(String selection) {
    settings =
        new TpmSettings(
            settings.tcti(),
            settings.ownerAuth(),
            settings.keyAuth(),
            Optional.of(PcrSelection.parse(selection)),
            settings.objects());
    return this;
  }

  TpmHome at(Swtpm tpm) {
    settings =
        new TpmSettings(
            Optional.of(tpm.tcti()),
            settings.ownerAuth(),
            settings.keyAuth(),
            settings.pcrs(),
            settings.objects());
    return this;
  }

  SealSource.GeneratedFile generated() {
    return new SealSource.GeneratedFile(home.resolve("auth.key"));
  }

  SealSource.PassphraseFile passphrase(String text) throws IOException {
    return new SealSource.PassphraseFile(write("passphrase", text));
  }

  Path write(String name, String text) throws IOException {
    Path file = Files.writeString(home.resolve(name), text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    return file;
  }

  PrivateKeyStore create() throws KeyFault {
    return stores.create(folder, settings, CRYPTO);
  }

  PrivateKeyStore open() throws KeyFault {
    return stores.open(folder, settings, CRYPTO);
  }

  void destroy() throws KeyFault {
    stores.destroy(folder, settings);
  }

  List<KeyStoreFinding> examine() {
    return stores.examine(folder, settings);
  }

  /** Lets the longest pause between two tries pass. */
  void pause() {
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(2));
  }

  Path header() {
    return folder.resolve(TpmStoreFile.FILE);
  }

  Path file(KeyLabel label) {
    return TpmKeyFile.in(folder, label.encoded());
  }

  List<Path> files() throws IOException {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      all.forEach(files::add);
    }
    return files;
  }

  static boolean signs(StoredKey key) throws Exception {
    return CRYPTO.verify(key.publicKey(), key.type(), MESSAGE, key.sign(MESSAGE));
  }
}
