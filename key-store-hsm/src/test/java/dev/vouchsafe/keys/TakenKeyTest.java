package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.interfaces.ECPrivateKey;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A key pair that was made elsewhere, in the software store. */
class TakenKeyTest {
  private static final SoftwareCrypto CRYPTO = SoftwareCrypto.choose();
  private static final KeyLabel LABEL = KeyLabel.of("root-ca", "1");
  private static final byte[] MESSAGE = "message".getBytes(StandardCharsets.US_ASCII);

  @TempDir Path folder;
  private PrivateKeyStore store;

  @BeforeEach
  void make() throws Exception {
    store =
        PrivateKeyStores.createSoftware(
            folder.resolve("keys"),
            new SealSource.GeneratedFile(folder.resolve("seal.key")),
            CRYPTO);
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void itSignsAsTheStoresOwnDoAndIsFoundAfterARestart() throws Exception {
    for (KeyType type : List.of(KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048)) {
      KeyPair pair = CRYPTO.generate(type);
      KeyLabel label = KeyLabel.of("root-ca", type.text());
      assertThat(store.takesKeys()).isTrue();
      StoredKey taken = store.take(label, type, pair);
      assertThat(CRYPTO.verify(pair.getPublic(), type, MESSAGE, taken.sign(MESSAGE))).isTrue();
      store.close();
      store =
          PrivateKeyStores.openSoftware(
              folder.resolve("keys"),
              new SealSource.GeneratedFile(folder.resolve("seal.key")),
              CRYPTO);
      StoredKey found = store.find(label).orElseThrow();
      assertThat(found.type()).isEqualTo(type);
      assertThat(CRYPTO.verify(pair.getPublic(), type, MESSAGE, found.sign(MESSAGE))).isTrue();
    }
  }

  @Test
  void twoHalvesThatAreNotOneKeyAreRefusedAndNothingIsKept() throws Exception {
    KeyPair one = CRYPTO.generate(KeyType.EC_P256);
    KeyPair other = CRYPTO.generate(KeyType.EC_P256);
    KeyPair rsa = CRYPTO.generate(KeyType.RSA_2048);
    KeyPair mixed = new KeyPair(one.getPublic(), other.getPrivate());
    assertThatThrownBy(() -> store.take(LABEL, KeyType.EC_P256, mixed))
        .isInstanceOf(KeyFault.Failed.class);
    for (KeyType wrong : List.of(KeyType.EC_P384, KeyType.RSA_2048, KeyType.RSA_3072)) {
      assertThatThrownBy(() -> store.take(LABEL, wrong, one)).isInstanceOf(KeyFault.Failed.class);
    }
    assertThatThrownBy(() -> store.take(LABEL, KeyType.RSA_3072, rsa))
        .isInstanceOf(KeyFault.Failed.class);
    assertThat(store.find(LABEL)).isEmpty();
  }

  @Test
  void aLabelThatIsTakenIsRefusedAndItsKeyStays() throws Exception {
    StoredKey first = store.make(LABEL, KeyType.EC_P256);
    KeyPair pair = CRYPTO.generate(KeyType.EC_P256);
    assertThatThrownBy(() -> store.take(LABEL, KeyType.EC_P256, pair))
        .isInstanceOf(KeyFault.Failed.class);
    assertThat(store.find(LABEL).orElseThrow().publicKey()).isEqualTo(first.publicKey());
  }

  @Test
  void itStandsInNoFileInTheClear() throws Exception {
    KeyPair pair = CRYPTO.generate(KeyType.EC_P256);
    store.take(LABEL, KeyType.EC_P256, pair);
    String scalar =
        new String(
            ((ECPrivateKey) pair.getPrivate()).getS().toByteArray(), StandardCharsets.ISO_8859_1);
    try (var files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).doesNotContain(scalar);
      }
    }
  }
}
