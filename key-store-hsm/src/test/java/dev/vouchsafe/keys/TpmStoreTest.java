package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

/** The contract, for stores in a TPM in software. */
class TpmStoreTest {
  @TempDir static Path place;
  private static Swtpm tpm;

  @BeforeAll
  static void start() throws Exception {
    tpm = Swtpm.in(place);
  }

  @AfterAll
  static void stop() throws Exception {
    tpm.close();
  }

  /** The contract with settings of its own. */
  abstract static class Contract extends PrivateKeyStoreContract {
    @TempDir Path home;

    abstract TpmHome at(Path folder) throws Exception;

    @Override
    protected Capabilities capabilities() {
      Set<KeyType> makes = EnumSet.of(KeyType.EC_P256, KeyType.RSA_2048);
      return new Capabilities("tpm", makes, EnumSet.complementOf(EnumSet.copyOf(makes)), true);
    }

    @Override
    protected PrivateKeyStore create() throws Exception {
      return PrivateKeyStores.createTpm(home.resolve("keys"), at(home).settings, TpmHome.CRYPTO);
    }

    @Override
    protected PrivateKeyStore reopen() throws Exception {
      return PrivateKeyStores.openTpm(home.resolve("keys"), at(home).settings, TpmHome.CRYPTO);
    }

    @Override
    protected PrivateKeyStore createAnother() throws Exception {
      Path other = Files.createDirectories(home.resolve("other"));
      return PrivateKeyStores.createTpm(other.resolve("keys"), at(other).settings, TpmHome.CRYPTO);
    }
  }

  @Nested
  class Blobs extends Contract {
    @Override
    TpmHome at(Path folder) {
      return new TpmHome(folder, tpm);
    }
  }

  @Nested
  @Tag("fault")
  class PersistentHandles extends Contract {
    @Override
    TpmHome at(Path folder) {
      return new TpmHome(folder, tpm).persistent();
    }

    @AfterEach
    void evict() throws Exception {
      at(home).destroy();
      at(home.resolve("other")).destroy();
      assertThat(tpm.run("tpm2_getcap", "handles-persistent")).isEmpty();
    }
  }

  /** All that can be set; each signature of the device CA's key takes a session then. */
  @Nested
  @Tag("fault")
  class WithAuthAndPcrs extends Contract {
    @Override
    TpmHome at(Path folder) {
      TpmHome home = new TpmHome(folder, tpm);
      return home.keyAuth(home.generated()).pcrs("sha256:0,7");
    }
  }

  @Nested
  @Tag("fault")
  class PersistentWithAuthAndPcrs extends Contract {
    @Override
    TpmHome at(Path folder) throws Exception {
      TpmHome home = new TpmHome(folder, tpm).persistent();
      return home.keyAuth(home.passphrase("correct horse battery staple")).pcrs("sha256:0,7");
    }

    @AfterEach
    void evict() throws Exception {
      at(home).destroy();
      if (Files.exists(home.resolve("other"))) {
        at(home.resolve("other")).destroy();
      }
    }
  }
}
