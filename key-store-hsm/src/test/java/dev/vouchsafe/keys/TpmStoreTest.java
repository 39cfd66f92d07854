package dev.vouchsafe.keys;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.io.TempDir;

/** The contract, for stores in a TPM in software. */
class TpmStoreTest {
  private static final SoftwareCrypto CRYPTO = SoftwareCrypto.choose();

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

  abstract static class Contract extends PrivateKeyStoreContract {
    @TempDir Path home;

    abstract TpmSettings settings(Path folder) throws Exception;

    @Override
    protected Capabilities capabilities() {
      Set<KeyType> makes = EnumSet.of(KeyType.EC_P256, KeyType.RSA_2048);
      return new Capabilities("tpm", makes, EnumSet.complementOf(EnumSet.copyOf(makes)), true);
    }

    @Override
    protected PrivateKeyStore create() throws Exception {
      return PrivateKeyStores.createTpm(home.resolve("keys"), settings(home), CRYPTO);
    }

    @Override
    protected PrivateKeyStore reopen() throws Exception {
      return PrivateKeyStores.openTpm(home.resolve("keys"), settings(home), CRYPTO);
    }

    @Override
    protected PrivateKeyStore createAnother() throws Exception {
      Path other = Files.createDirectories(home.resolve("other"));
      return PrivateKeyStores.createTpm(other.resolve("keys"), settings(other), CRYPTO);
    }
  }

  @Nested
  class Blobs extends Contract {
    @Override
    TpmSettings settings(Path folder) {
      return new TpmSettings(
          Optional.of(tpm.tcti()),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          TpmSettings.Objects.BLOBS);
    }
  }
}
