package dev.vouchsafe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vouchsafe.ca.AuthorityInfo;
import dev.vouchsafe.keys.KeyFault;
import dev.vouchsafe.keys.KeyLabel;
import dev.vouchsafe.keys.KeyType;
import dev.vouchsafe.keys.PrivateKeyStore;
import dev.vouchsafe.keys.PrivateKeyStores;
import dev.vouchsafe.keys.SealSource;
import dev.vouchsafe.keys.SoftwareCrypto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which folder is which store, and what becomes of one that was not made to the end. */
class KeyStoresTest {
  private static final KeyLabel LABEL = KeyLabel.of("test");

  @TempDir Path folder;
  private final SoftwareCrypto crypto = SoftwareCrypto.choose();
  private String keys = "";

  @BeforeEach
  void makeTheDataFolder() throws IOException {
    Files.createDirectory(home().data());
  }

  private Home home() {
    return Home.at(folder);
  }

  private KeyStores stores() {
    return new KeyStores(
        StoreFolders.of(home()),
        () -> ConfigurationFile.parse(text(), home().configuration(), home()).keys(),
        Map.of(),
        crypto);
  }

  private String text() {
    return "[gateway]\ndevice-id = \"gw\"\ntrust-domain = \"gw.example\"\n[keys]\n" + keys;
  }

  private SealSource seal() {
    return new SealSource.GeneratedFile(home().sealKey());
  }

  private List<String> names() throws IOException {
    try (var all = Files.list(home().data())) {
      return all.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void theFirstStoreIsInKeysAndIsOpenedOnce() throws Exception {
    byte[] secret;
    try (KeyStores stores = stores()) {
      PrivateKeyStore made = stores.openOrMake("software");
      assertThat(names()).containsExactly("keys");
      assertThat(stores.open("software")).isSameAs(made);
      assertThat(stores.openOrMake("software")).isSameAs(made);
      made.make(LABEL, KeyType.EC_P256);
      secret = made.derive(LABEL);
    }
    try (KeyStores again = stores()) {
      assertThat(again.open("software").derive(LABEL)).isEqualTo(secret);
      assertThat(again.open("software").find(LABEL)).isPresent();
    }
  }

  @Test
  void closedStoresAreClosed() throws Exception {
    KeyStores stores = stores();
    PrivateKeyStore made = stores.openOrMake("software");
    stores.close();
    assertThatThrownBy(() -> made.derive(LABEL)).isInstanceOf(KeyFault.Unavailable.class);
  }

  @Test
  void anotherStoreThanTheFirstHasAFolderOfItsOwn() throws Exception {
    // The record of a token is there first; only its kind matters here.
    Files.createDirectory(home().keys());
    Files.createFile(home().keys().resolve("tpm.store"));
    StoreFolders folders = StoreFolders.of(home());
    assertThat(folders.find(KeyStoreName.TPM)).contains(home().keys());
    assertThat(folders.find(KeyStoreName.SOFTWARE)).isEmpty();
    try (KeyStores stores = stores()) {
      stores.openOrMake("software").derive(LABEL);
      assertThat(names()).containsExactly("keys", "keys-software");
    }
    assertThat(folders.present()).containsExactly(KeyStoreName.SOFTWARE, KeyStoreName.TPM);
    assertThat(folders.find(KeyStoreName.ROOT_PKCS11)).isEmpty();
  }

  @Test
  void aStoreThatIsNotThereIsNeverMadeInItsPlaceWhenOneIsToBeOpened() throws Exception {
    keys = "tpm-tcti = \"swtpm:path=/none\"\n";
    try (KeyStores stores = stores()) {
      for (String name : List.of("software", "pkcs11", "tpm", "root-pkcs11")) {
        assertThatThrownBy(() -> stores.open(name))
            .isInstanceOf(KeyFault.Failed.class)
            .hasMessageContaining("has no key store " + name);
      }
      assertThatThrownBy(() -> stores.open("paper")).hasMessageContaining("is no key store");
      assertThatThrownBy(() -> stores.openOrMake("../x")).hasMessageContaining("is no key store");
    }
    assertThat(names()).isEmpty();
  }

  @Test
  void aStoreThatIsNotConfiguredIsNotMadeAndItsSettingNamed() throws Exception {
    try (KeyStores stores = stores()) {
      assertThatThrownBy(() -> stores.openOrMake("pkcs11"))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("[keys] pkcs11-uri");
      assertThatThrownBy(() -> stores.openOrMake("root-pkcs11"))
          .hasMessageContaining("[keys] root-pkcs11-uri");
    }
    assertThat(names()).isEmpty();
  }

  @Test
  void theConfigurationIsReadWhenAStoreIsLookedFor() throws Exception {
    try (KeyStores stores = stores()) {
      assertThat(stores.chosen(AuthorityInfo.Role.ROOT)).isEqualTo("software");
      keys = "store = \"tpm\"\n";
      assertThat(stores.chosen(AuthorityInfo.Role.DEVICE)).isEqualTo("tpm");
      keys = "store = \"tpm\"\nroot-store = \"software\"\n";
      assertThat(stores.chosen(AuthorityInfo.Role.ROOT)).isEqualTo("software");
      keys = "seal = \"hunter2\"\n";
      assertThatThrownBy(() -> stores.openOrMake("software"))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("[keys] seal must be")
          .hasMessageNotContaining("hunter2");
      keys = "";
      stores.openOrMake("software");
    }
  }

  /** A key that is made now would be lost at the next start. */
  @Test
  void aStoreThatIsOpenTakesNoNewKeyWhileItsSettingsAreOthers() throws Exception {
    Path passphrase = folder.resolve("passphrase");
    Files.writeString(passphrase, "correct horse battery staple");
    try (KeyStores stores = stores()) {
      PrivateKeyStore made = stores.openOrMake("software");
      keys = "seal = \"file:" + passphrase + "\"\n";
      assertThatThrownBy(() -> stores.openOrMake("software"))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("key store software is open with what [keys] seal said before")
          .hasMessageContaining("restart the service");
      assertThat(stores.open("software")).as("what is there goes on").isSameAs(made);
      keys = "tpm-pcrs = \"sha256:7\"\n";
      assertThat(stores.openOrMake("software")).as("another store's").isSameAs(made);
    }
  }

  @Test
  void eachStoreHasItsOwnSettings() throws Exception {
    Configuration.Places before = places("");
    String uri = "\"pkcs11:token=a?module-path=/x.so&pin-source=file:/p\"\n";
    for (String[] change :
        new String[][] {
          {"seal = \"file:/p\"\n", "SOFTWARE", "[keys] seal"},
          {"pkcs11-uri = " + uri, "PKCS11", "[keys] pkcs11-uri"},
          {"root-pkcs11-uri = " + uri, "ROOT_PKCS11", "[keys] root-pkcs11-uri"},
          {"tpm-tcti = \"device:/dev/tpm0\"\n", "TPM", "[keys] tpm-tcti"},
          {"tpm-owner-auth = \"file:/p\"\n", "TPM", "[keys] tpm-owner-auth"},
          {"tpm-key-auth = \"none\"\n", "TPM", "[keys] tpm-key-auth"},
          {"tpm-pcrs = \"sha256:7\"\n", "TPM", "[keys] tpm-pcrs"},
          {"tpm-objects = \"persistent\"\n", "TPM", "[keys] tpm-objects"}
        }) {
      Configuration.Places after = places(change[0]);
      for (KeyStoreName name : KeyStoreName.values()) {
        assertThat(before.changed(name, after))
            .isEqualTo(name.name().equals(change[1]) ? change[2] : "");
      }
      assertThat(after.changed(KeyStoreName.TPM, places(change[0]))).isEmpty();
    }
    assertThat(before.changed(KeyStoreName.PKCS11, places("pkcs11-helper = true\n")))
        .isEqualTo("[keys] pkcs11-helper");
  }

  private Configuration.Places places(String text) throws ConfigurationException {
    keys = text;
    return ConfigurationFile.parse(text(), home().configuration(), home()).keys().places();
  }

  @Test
  void aStoreThatWasWholeWhenTheProcessWasKilledIsTakenWithItsSecret() throws Exception {
    Path halfMade = StoreFolders.halfMade(home().keys());
    byte[] secret;
    try (PrivateKeyStore made = PrivateKeyStores.createSoftware(halfMade, seal(), crypto)) {
      secret = made.derive(LABEL);
    }
    try (KeyStores stores = stores()) {
      assertThat(stores.openOrMake("software").derive(LABEL)).isEqualTo(secret);
    }
    assertThat(names()).containsExactly("keys");
  }

  @Test
  void aStoreThatWasNotWholeIsMadeAnew() throws Exception {
    Path halfMade = StoreFolders.halfMade(home().keys());
    Files.createDirectory(halfMade);
    Files.writeString(halfMade.resolve("half"), "x");
    try (KeyStores stores = stores()) {
      stores.openOrMake("software").derive(LABEL);
    }
    assertThat(names()).containsExactly("keys");
    assertThat(home().keys().resolve("half")).doesNotExist();
  }

  /** The process was killed between the secret and the store's header. */
  @Test
  void aSecretThatWasMadeForAStoreThatWasNotMadeToTheEndGoesWithIt() throws Exception {
    Path halfMade = StoreFolders.halfMade(home().keys());
    PrivateKeyStores.createSoftware(halfMade, seal(), crypto).close();
    Files.delete(halfMade.resolve("store.header"));
    Path note = Files.writeString(halfMade.resolve("seal.generated"), home().sealKey().toString());
    Files.setPosixFilePermissions(note, PosixFilePermissions.fromString("rw-------"));
    String before = Files.readString(home().sealKey());
    byte[] secret;
    try (KeyStores stores = stores()) {
      secret = stores.openOrMake("software").derive(LABEL);
    }
    assertThat(Files.readString(home().sealKey())).isNotEqualTo(before);
    try (KeyStores stores = stores()) {
      assertThat(stores.open("software").derive(LABEL)).isEqualTo(secret);
    }
    assertThat(names()).containsExactly("keys");
    try (var files = Files.list(home().keys())) {
      assertThat(files).containsExactly(home().keys().resolve("store.header"));
    }
  }

  @Test
  void aSecretThatIsNobodysIsNotOverwritten() throws Exception {
    Files.writeString(home().sealKey(), "of somebody else");
    try (KeyStores stores = stores()) {
      assertThatThrownBy(() -> stores.openOrMake("software"))
          .isInstanceOf(KeyFault.Failed.class)
          .hasMessageContaining("seal.key");
    }
    assertThat(home().sealKey()).hasContent("of somebody else");
    assertThat(names()).isEmpty();
  }
}
