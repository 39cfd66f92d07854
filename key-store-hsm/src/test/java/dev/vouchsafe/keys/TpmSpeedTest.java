package dev.vouchsafe.keys;

import static dev.vouchsafe.keys.TpmHome.CA;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Signatures per second (P-256, one thread) of the ways to one TPM in software. */
@Tag("bench")
@Timeout(600)
class TpmSpeedTest {
  private static final double SECONDS = 5;

  /** One signature. */
  private interface Sign {
    void run() throws Exception;
  }

  private static double rate(String way, Sign sign) throws Exception {
    sign.run();
    long start = System.nanoTime();
    long end = start + (long) (SECONDS * 1e9);
    int count = 0;
    while (System.nanoTime() < end) {
      sign.run();
      count++;
    }
    double rate = count * 1e9 / (System.nanoTime() - start);
    System.out.printf(Locale.ROOT, "%s: %.1f signatures/s, %.1f ms each%n", way, rate, 1e3 / rate);
    return rate;
  }

  @Test
  void theWaysToOneTpmCompared(@TempDir Path home) throws Exception {
    Path folder = TpmLibrary.folder();
    Files.createDirectories(folder);
    try (Swtpm tpm = Swtpm.in(folder, home.resolve("state"))) {
      double blobs = store(new TpmHome(Files.createDirectory(home.resolve("b")), tpm), "blobs");
      TpmHome persistent = new TpmHome(Files.createDirectory(home.resolve("p")), tpm).persistent();
      double handles = store(persistent, "persistent handles");
      double bare = bare(tpm, persistent, home);
      // The wrapper costs the flushing without a resource manager, and next to nothing otherwise.
      assertThat(handles / bare).isGreaterThan(0.6);
      assertThat(blobs / bare).isGreaterThan(0.2);
      persistent.destroy();
      try (TpmBroker broker = new TpmBroker(folder, tpm)) {
        Path managed = Files.createDirectory(home.resolve("m"));
        store(
            new TpmHome(managed, TpmBroker.TCTI, TpmTools.PLACES, broker.environment()),
            "blobs, tpm2-abrmd");
        library(home);
      }
    }
  }

  private static double store(TpmHome keys, String way) throws Exception {
    try (PrivateKeyStore store = keys.create()) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      return rate("tpm store, " + way, () -> key.sign(TpmHome.MESSAGE));
    }
  }

  private static double bare(Swtpm tpm, TpmHome keys, Path home) throws Exception {
    String handle =
        TpmHandles.text(TpmKeyFile.parseUnproven(Files.readAllBytes(keys.file(CA))).handle());
    Files.write(home.resolve("digest"), new byte[32]);
    return rate(
        "bare tpm2_sign process, persistent handle",
        () ->
            tpm.run(
                "tpm2_sign",
                "-Q",
                "-c",
                handle,
                "-g",
                "sha256",
                "-d",
                "-f",
                "plain",
                "-o",
                home.resolve("signature").toString(),
                home.resolve("digest").toString()));
  }

  private static void library(Path home) throws Exception {
    Path data = TpmLibrary.folder().resolve("store/tpm2_pkcs11.sqlite3");
    Files.deleteIfExists(data);
    TpmLibrary token = new TpmLibrary("bench");
    try (PrivateKeyStore store =
        PrivateKeyStores.createPkcs11(
            home.resolve("keys"), Pkcs11Uri.parse(token.uri()), TpmHome.CRYPTO)) {
      StoredKey key = store.make(CA, KeyType.EC_P256);
      rate("pkcs11 store, libtpm2-pkcs11, tpm2-abrmd", () -> key.sign(TpmHome.MESSAGE));
    }
  }
}
