package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;
import static dev.vouchsafe.keys.TpmHome.signs;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stores in a TPM behind a resource manager. */
class TpmManagedTest {
  @TempDir static Path place;
  private static Swtpm tpm;
  private static TpmBroker broker;

  @BeforeAll
  static void start() throws Exception {
    tpm = Swtpm.in(place);
    broker = new TpmBroker(place, tpm);
  }

  @AfterAll
  static void stop() {
    broker.close();
    tpm.close();
  }

  private static TpmHome home(Path folder) {
    return new TpmHome(folder, TpmBroker.TCTI, TpmTools.PLACES, broker.environment());
  }

  @Test
  void aResourceManagerIsNoticedAndSparesTheFlushing(@TempDir Path folder) throws Exception {
    // A boot that was measured: the register is not what it is after a reset any more.
    Swtpm.run(
        broker.environment(), TpmBroker.TCTI, "tpm2_pcrextend", "7:sha256=" + "01".repeat(32));
    TpmHome keys = home(folder).pcrs("sha256:7");
    keys.keyAuth(keys.generated());
    try (PrivateKeyStore store = keys.create()) {
      assertThat(signs(store.make(CA, KeyType.EC_P256))).isTrue();
      assertThat(signs(store.make(KeyLabel.of("token"), KeyType.EC_P256))).isTrue();
      assertThat(store.describe().warnings()).noneMatch(line -> line.contains("resource manager"));
    }
    for (String kind : List.of("handles-transient", "handles-loaded-session")) {
      assertThat(Swtpm.run(broker.environment(), TpmBroker.TCTI, "tpm2_getcap", kind)).isEmpty();
    }
    assertThat(keys.examine())
        .noneMatch(finding -> finding.outcome() != KeyStoreFinding.Outcome.OK)
        .anyMatch(finding -> finding.subject().equals("resource manager"));
  }

  @Nested
  @Tag("fault")
  class Contract extends PrivateKeyStoreContract {
    @TempDir Path home;

    @Override
    protected Capabilities capabilities() {
      Set<KeyType> makes = EnumSet.of(KeyType.EC_P256, KeyType.RSA_2048);
      return new Capabilities("tpm", makes, EnumSet.complementOf(EnumSet.copyOf(makes)), true);
    }

    @Override
    protected PrivateKeyStore create() throws Exception {
      return home(home).create();
    }

    @Override
    protected PrivateKeyStore reopen() throws Exception {
      return home(home).open();
    }

    @Override
    protected PrivateKeyStore createAnother() throws Exception {
      return home(Files.createDirectories(home.resolve("other"))).create();
    }
  }
}
