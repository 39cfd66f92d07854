package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract, for the software store with each source of the sealing secret. */
class SoftwareStoreTest {
  /** The software store in one folder; a passphrase is derived fast, since nobody attacks it. */
  abstract static class Backend extends PrivateKeyStoreContract {
    static final SoftwareCrypto CRYPTO = SoftwareCrypto.choose();

    final SoftwareStores stores = new SoftwareStores(SoftwareStores.effectiveUser(), 1_000);
    @TempDir Path home;

    abstract SealSource seal(Path folder) throws Exception;

    SoftwareCrypto crypto() {
      return CRYPTO;
    }

    /** Every type is made; RSA, slow to make, is tried with one source of the secret only. */
    Set<KeyType> tried() {
      return EnumSet.of(KeyType.EC_P256, KeyType.EC_P384);
    }

    @Override
    protected Capabilities capabilities() {
      return new Capabilities("software", tried(), Set.of());
    }

    @Override
    protected PrivateKeyStore create() throws Exception {
      return stores.create(home.resolve("keys"), seal(home), crypto());
    }

    @Override
    protected PrivateKeyStore reopen() throws Exception {
      return stores.open(home.resolve("keys"), seal(home), crypto());
    }

    @Override
    protected PrivateKeyStore createAnother() throws Exception {
      Path other = Files.createDirectories(home.resolve("other"));
      return stores.create(other.resolve("keys"), seal(other), crypto());
    }

    static Path write(Path file, String mode, String text) throws Exception {
      if (!Files.exists(file)) {
        Files.writeString(file, text);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
      }
      return file;
    }
  }

  @Nested
  class SealedByAGeneratedFile extends Backend {
    @Override
    Set<KeyType> tried() {
      return EnumSet.allOf(KeyType.class);
    }

    @Override
    SealSource seal(Path folder) {
      return new SealSource.GeneratedFile(folder.resolve("seal.key"));
    }

    @Test
    void theDescriptionWarnsWhatTheFileDoesNotProtect() throws Exception {
      String file = home.resolve("seal.key").toString();
      try (PrivateKeyStore store = reopen()) {
        assertThat(store.describe().warnings())
            .singleElement()
            .asString()
            .contains(file, "only a copy", "whoever reads that file", "no backup");
      }
    }
  }

  @Nested
  class SealedByAGeneratedFileWithTheJdkProviders extends SealedByAGeneratedFile {
    @Override
    SoftwareCrypto crypto() {
      return JcaCrypto.jdk("not asked for");
    }

    @Override
    Set<KeyType> tried() {
      return EnumSet.of(KeyType.EC_P256, KeyType.EC_P384, KeyType.RSA_2048);
    }
  }

  @Nested
  class SealedByAPassphrase extends Backend {
    @Override
    SealSource seal(Path folder) throws Exception {
      return new SealSource.PassphraseFile(
          write(folder.resolve("passphrase"), "rw-r-----", "correct horse bättery staple\n"));
    }
  }

  @Nested
  class SealedByASystemdCredential extends Backend {
    @Override
    SealSource seal(Path folder) throws Exception {
      write(folder.resolve("vouchsafe.seal"), "r--------", "battery staple correct horse");
      return new SealSource.SystemdCredential(folder, "vouchsafe.seal");
    }
  }
}
