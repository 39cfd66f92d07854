package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The second way to the same chip: the PKCS#11 store with libtpm2-pkcs11 in this process. It keeps
 * each key that it has used in a slot of the TPM, of which there are three: so it needs a resource
 * manager.
 */
@Tag("fault")
class TpmLibraryTest extends PrivateKeyStoreContract {
  private static final int SIGNATURES = 70_000;

  private static Swtpm tpm;
  private static TpmBroker broker;
  private static TpmLibrary token;
  @TempDir Path home;

  @BeforeAll
  static void makeToken() throws Exception {
    clear(TpmLibrary.folder());
    tpm = Swtpm.in(TpmLibrary.folder());
    broker = new TpmBroker(TpmLibrary.folder(), tpm);
    token = new TpmLibrary("contract");
  }

  @AfterAll
  static void stop() {
    broker.close();
    tpm.close();
  }

  private static void clear(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return;
    }
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes is) throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** A token of this library has at most 255 objects, and this suite makes many. */
  @AfterEach
  void destroy() throws Exception {
    for (Path folder : new Path[] {home.resolve("keys"), home.resolve("other/keys")}) {
      if (Files.exists(folder)) {
        PrivateKeyStores.destroyPkcs11(folder, Pkcs11Uri.parse(token.uri()));
      }
    }
  }

  @Override
  protected Capabilities capabilities() {
    return new Capabilities(
        "pkcs11", EnumSet.of(KeyType.EC_P256, KeyType.RSA_2048), Set.of(KeyType.RSA_4096), true);
  }

  @Override
  protected PrivateKeyStore create() throws Exception {
    return PrivateKeyStores.createPkcs11(
        home.resolve("keys"), Pkcs11Uri.parse(token.uri()), TpmHome.CRYPTO);
  }

  @Override
  protected PrivateKeyStore reopen() throws Exception {
    return PrivateKeyStores.openPkcs11(
        home.resolve("keys"), Pkcs11Uri.parse(token.uri()), TpmHome.CRYPTO);
  }

  @Override
  protected PrivateKeyStore createAnother() throws Exception {
    Path other = Files.createDirectories(home.resolve("other"));
    return PrivateKeyStores.createPkcs11(
        other.resolve("keys"), Pkcs11Uri.parse(token.uri()), TpmHome.CRYPTO);
  }

  @Test
  void theDoctorFindsItGood() throws Exception {
    assertThat(PrivateKeyStores.examinePkcs11(home.resolve("keys"), Pkcs11Uri.parse(token.uri())))
        .noneMatch(finding -> finding.outcome() == KeyStoreFinding.Outcome.FAILED);
  }

  /** Sessions of a TPM are numbered with 16 bits: a library that wastes them ends at 65,536. */
  @Test
  @Timeout(1800)
  void seventyThousandSignaturesInOneProcess() throws Exception {
    try (PrivateKeyStore store = reopen()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      long unavailable = 0;
      for (int i = 0; i < SIGNATURES; i++) {
        try {
          key.sign(TpmHome.MESSAGE);
        } catch (KeyFault.Unavailable e) {
          // The session gap: the store opens the token anew, and goes on.
          unavailable++;
          assertThat(unavailable).isLessThan(50);
        }
      }
      assertThat(TpmHome.signs(key)).isTrue();
      System.out.printf("%d signatures, %d calls unavailable%n", SIGNATURES, unavailable);
    }
  }
}
