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
