package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract, for a store in a token of SoftHSM2. */
class Pkcs11StoreTest extends PrivateKeyStoreContract {
  private static final SoftwareCrypto CRYPTO = SoftwareCrypto.choose();
  private static SoftHsm.Token token;

  @TempDir Path home;

  @BeforeAll
  static void makeToken() throws Exception {
    token = SoftHsm.here().token("contract");
  }

  @AfterAll
  static void removeToken() throws Exception {
    SoftHsm.remove(token);
  }

  @Override
  protected Capabilities capabilities() {
    return new Capabilities("pkcs11", EnumSet.allOf(KeyType.class), Set.of());
  }

  @Override
  protected PrivateKeyStore create() throws Exception {
    return PrivateKeyStores.createPkcs11(
        home.resolve("keys"), Pkcs11Uri.parse(token.uri()), CRYPTO);
  }

  @Override
  protected PrivateKeyStore reopen() throws Exception {
    return PrivateKeyStores.openPkcs11(home.resolve("keys"), Pkcs11Uri.parse(token.uri()), CRYPTO);
  }

  @Override
  protected PrivateKeyStore createAnother() throws Exception {
    Path other = Files.createDirectories(home.resolve("other"));
    return PrivateKeyStores.createPkcs11(
        other.resolve("keys"), Pkcs11Uri.parse(token.uri()), CRYPTO);
  }

  @Test
  void anotherProgramSeesThatThePrivateKeysCanNeverLeaveTheToken() throws Exception {
    try (PrivateKeyStore store = reopen()) {
      store.make(KeyLabel.of("device-ca", "1"), KeyType.EC_P256);
      String objects =
          SoftHsm.here()
              .output(
                  List.of(
                      "pkcs11-tool",
                      "--module",
                      SoftHsm.library().toString(),
                      "--token-label",
                      token.label(),
                      "--login",
                      "--pin",
                      token.pin(),
                      "--list-objects",
                      "--type",
                      "privkey"));
      assertThat(objects)
          .contains("vouchsafe 9:device-ca,1:1", "never extractable", "Usage:      sign\n");
    }
  }
}
