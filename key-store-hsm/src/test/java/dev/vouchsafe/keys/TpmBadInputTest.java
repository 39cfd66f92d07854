package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;
import static dev.vouchsafe.keys.TpmHome.signs;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged, exchanged and misplaced files, and a making that fails half way. */
class TpmBadInputTest {
  private static final KeyLabel OTHER = KeyLabel.of("other");

  @TempDir static Path place;
  private static Swtpm tpm;
  @TempDir Path home;
  private TpmHome keys;

  @BeforeAll
  static void start() throws Exception {
    tpm = Swtpm.in(place);
  }

  @AfterAll
  static void stop() {
    tpm.close();
  }

  @BeforeEach
  void home() {
    keys = new TpmHome(home, tpm);
  }

  private void assertFindFails(KeyLabel label, String message) throws Exception {
    try (PrivateKeyStore store = keys.open()) {
      assertThatThrownBy(() -> store.find(label))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining(message);
      assertThatThrownBy(() -> store.make(label, KeyType.EC_P256))
          .isInstanceOf(KeyFault.Failed.class);
    }
    assertThat(keys.examine())
        .anyMatch(finding ->
            finding.outcome() == KeyStoreFinding.Outcome.FAILED && finding.subject().equals("key"));
  }

  @Test
  void aTruncatedKeyFileIsToldByItsName() throws Exception {
    keys.create().close();
    byte[] good;
    try (PrivateKeyStore store = keys.open()) {
      store.make(CA, KeyType.EC_P256);
      good = Files.readAllBytes(keys.file(CA));
    }
    for (int length : new int[] {0, 8, 100, good.length - 1}) {
      Files.write(keys.file(CA), Arrays.copyOf(good, length));
      assertFindFails(CA, keys.file(CA) + " is damaged");
    }
    Files.write(keys.file(CA), good);
    try (PrivateKeyStore store = keys.open()) {
      assertThat(signs(store.find(CA).orElseThrow())).isTrue();
    }
  }

  @Test
  void aKeyUnderAnotherLabelOrOfAnotherStoreInTheSameTpmIsRefused() throws Exception {
    Path elsewhere = Files.createDirectory(home.resolve("elsewhere"));
    TpmHome neighbour = new TpmHome(elsewhere, tpm);
    try (PrivateKeyStore store = keys.create();
        PrivateKeyStore next = neighbour.create()) {
      store.make(CA, KeyType.EC_P256);
      store.make(OTHER, KeyType.EC_P256);
      next.make(CA, KeyType.EC_P256);
    }
    byte[] ours = Files.readAllBytes(keys.file(CA));
    Files.copy(keys.file(OTHER), keys.file(CA), StandardCopyOption.REPLACE_EXISTING);
    try (PrivateKeyStore store = keys.open()) {
      assertThatThrownBy(() -> store.find(CA))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("holds another key");
    }
    Files.copy(neighbour.file(CA), keys.file(CA), StandardCopyOption.REPLACE_EXISTING);
    assertFindFails(CA, "of another key store");
    Files.write(keys.file(CA), ours);
    try (PrivateKeyStore store = keys.open()) {
      assertThat(store.find(CA)).isPresent();
      Files.copy(neighbour.header(), keys.header(), StandardCopyOption.REPLACE_EXISTING);
      assertThatThrownBy(() -> store.find(CA)).hasMessageContaining("was exchanged");
      assertThatThrownBy(() -> store.find(KeyLabel.of("absent")))
          .isInstanceOf(KeyFault.Failed.class);
    }
    assertFindFails(CA, "of another key store");
  }

  @Test
  void aDamagedHeaderIsToldByItsName() throws Exception {
    keys.create().close();
    byte[] good = Files.readAllBytes(keys.header());
    for (int length : new int[] {0, 40, good.length - 1}) {
      Files.write(keys.header(), Arrays.copyOf(good, length));
      assertThatThrownBy(keys::open)
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining(keys.header() + " is damaged");
    }
    Files.delete(keys.header());
    assertThatThrownBy(keys::open)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("does not exist");
    keys.destroy();
  }

  @Test
  void aFolderOrAFileThatOthersCanReadIsRefusedWithTheCommandThatMendsIt() throws Exception {
    keys.create().close();
    for (Path path : List.of(keys.folder, keys.header())) {
      var before = Files.getPosixFilePermissions(path);
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
      assertThatThrownBy(keys::open)
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("chmod");
      Files.setPosixFilePermissions(path, before);
    }
    keys.open().close();
  }

  @Test
  void anAuthSettingThatDoesNotFitTheStoreIsNamed() throws Exception {
    keys.create().close();
    TpmSettings without = keys.settings;
    keys.keyAuth(keys.passphrase("correct horse battery staple"));
    assertThatThrownBy(keys::open)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("remove tpm-key-auth");
    TpmHome other = new TpmHome(Files.createDirectory(home.resolve("other")), tpm);
    other.keyAuth(other.generated()).create().close();
    other.settings = without;
    assertThatThrownBy(other::open)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("set tpm-key-auth");
  }

  @Test
  void authValuesLieOutsideOfTheStoreAndTheOwnersIsNeverGenerated() throws Exception {
    keys.keyAuth(new SealSource.GeneratedFile(keys.folder.resolve("auth.key")));
    assertThatThrownBy(keys::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("inside");
    keys.keyAuth(keys.generated()).ownerAuth(keys.generated());
    assertThatThrownBy(keys::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("tpm-owner-auth");
    assertThat(keys.folder).doesNotExist();
    assertThat(keys.generated().file()).doesNotExist();
  }

  @Test
  void whatIsThereIsNotWrittenOver() throws Exception {
    Path auth = keys.write("auth.key", "precious");
    keys.keyAuth(keys.generated());
    assertThatThrownBy(keys::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("auth.key exists already");
    assertThat(auth).hasContent("precious");
    assertThat(keys.folder).doesNotExist();
    Files.createDirectory(keys.folder);
    Files.delete(auth);
    assertThatThrownBy(keys::create)
        .isInstanceOf(KeyFault.Failed.class)
        .hasMessageContaining("exists already");
    assertThat(keys.folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @CsvSource({
    "createprimary, 1",
    "readpublic, 1",
    "create, 1",
    "load, 1",
    "evictcontrol, 1",
    "hmac, 1",
    "getcap, 2"
  })
  void aMakingThatFailsHalfWayLeavesNothingAndASecondOneWorks(String tool, int time)
      throws Exception {
    Path bin = Files.createDirectory(home.resolve("bin"));
    for (String name :
        List.of(
            "createprimary",
            "readpublic",
            "create",
            "load",
            "hmac",
            "getcap",
            "evictcontrol",
            "flushcontext",
            "sign")) {
      Files.createSymbolicLink(bin.resolve("tpm2_" + name), Path.of("/usr/bin/tpm2_" + name));
    }
    Path program = bin.resolve("tpm2_" + tool);
    Files.delete(program);
    // The version is asked for first.
    Files.writeString(
        program,
        """
        #!/bin/sh
        [ "$1" = --version ] && exec /usr/bin/%1$s "$@"
        echo x >> %2$s/called
        [ $(wc -l < %2$s/called) -eq %3$d ] && { echo 'ERROR: no(0x12f)' >&2; exit 1; }
        exec /usr/bin/%1$s "$@"
        """
            .formatted("tpm2_" + tool, home, time));
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    TpmHome failing = new TpmHome(home, tpm.tcti(), List.of(bin)).persistent();
    failing.keyAuth(failing.generated());
    assertThatThrownBy(failing::create).isInstanceOf(KeyFault.class);
    assertThat(failing.folder).doesNotExist();
    assertThat(failing.generated().file()).doesNotExist();

    Files.delete(program);
    Files.createSymbolicLink(program, Path.of("/usr/bin/tpm2_" + tool));
    try (PrivateKeyStore store = failing.create()) {
      assertThat(signs(store.make(CA, KeyType.EC_P256))).isTrue();
    }
    failing.destroy();
    assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEmpty();
    assertThat(tpm.run("tpm2_getcap", "handles-transient")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"swtpm:path=/nonexistent/tpm.sock", "device:/dev/nonexistent"})
  void aTpmThatIsNotThereIsUnavailableAndNamedByItsSetting(String tcti) {
    TpmHome away = new TpmHome(home, tcti, TpmTools.PLACES);
    assertThatThrownBy(away::create)
        .isInstanceOf(KeyFault.Unavailable.class)
        .hasMessageContaining(tcti)
        .hasMessageContaining("tpm-tcti");
    assertThat(away.folder).doesNotExist();
    assertThat(away.examine())
        .anyMatch(finding ->
            finding.outcome() == KeyStoreFinding.Outcome.UNAVAILABLE
                && finding.subject().equals("TPM")
                && finding.remedy().contains("tpm-tcti"));
  }

  @Test
  void slotsThatAnotherProgramHasTakenAreLeftToIt() throws Exception {
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      for (int i = 0; i < 3; i++) {
        String context = home.resolve("foreign" + i).toString();
        tpm.run("tpm2_createprimary", "-Q", "-C", "n", "-G", "ecc256", "-c", context);
      }
      String before = tpm.run("tpm2_getcap", "handles-transient");
      assertThat(before.lines()).hasSize(3);
      assertThatThrownBy(() -> key.sign(TpmHome.MESSAGE))
          .isInstanceOf(KeyFault.Unavailable.class)
          .hasMessageContaining("resource manager");
      assertThat(store.health().state()).isEqualTo(KeyStoreHealth.State.SUSPECT);
      assertThat(tpm.run("tpm2_getcap", "handles-transient")).isEqualTo(before);
      tpm.run("tpm2_flushcontext", "0x80000001");
      assertThat(signs(key)).isTrue();
      assertThat(tpm.run("tpm2_getcap", "handles-transient").lines()).hasSize(2);
    } finally {
      tpm.run("tpm2_flushcontext", "-t");
    }
  }

  @Test
  void destroyingEvictsOnlyWhatIsOfTheStore() throws Exception {
    keys.persistent();
    TpmHome other = new TpmHome(Files.createDirectory(home.resolve("other")), tpm).persistent();
    try (PrivateKeyStore store = keys.create();
        PrivateKeyStore next = other.create()) {
      store.make(CA, KeyType.EC_P256);
      StoredKey key = next.make(CA, KeyType.EC_P256);
      assertThat(tpm.run("tpm2_getcap", "handles-persistent").lines()).hasSize(4);
      keys.destroy();
      keys.destroy();
      assertThat(tpm.run("tpm2_getcap", "handles-persistent").lines()).hasSize(2);
      assertThat(signs(key)).isTrue();
    }
    other.destroy();
    assertThat(keys.folder).isDirectory();
  }

  @Test
  void aGoodStoreIsFoundGoodStepByStep() throws Exception {
    keys.pcrs("sha256:7");
    keys.keyAuth(keys.generated());
    assertThat(keys.examine())
        .noneMatch(finding -> finding.outcome() == KeyStoreFinding.Outcome.FAILED);
    assertThat(keys.folder).doesNotExist();
    try (PrivateKeyStore store = keys.create()) {
      store.make(CA, KeyType.EC_P256);
      List<Path> before = keys.files();
      List<KeyStoreFinding> findings = keys.examine();
      assertThat(findings)
          .noneMatch(finding -> finding.outcome() == KeyStoreFinding.Outcome.FAILED)
          .extracting(KeyStoreFinding::subject)
          .containsExactly(
              "folder",
              "key auth file",
              "tpm2-tools",
              "tpm-tcti",
              "TPM",
              "lockout",
              "PCRs",
              "owner auth",
              "resource manager",
              "store",
              "keys");
      assertThat(keys.files()).containsExactlyInAnyOrderElementsOf(before);
    }
  }
}
