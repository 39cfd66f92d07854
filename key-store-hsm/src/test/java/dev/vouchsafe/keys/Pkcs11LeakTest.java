package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vouchsafe.keys.Cryptoki.Function;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many signatures with losses in between take no more of the machine than few. */
@Timeout(value = 900, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Pkcs11LeakTest {
  /** Of all signatures, after which share one loss comes. */
  private static final int LOSSES = 100;

  private static final long MEMORY_THAT_A_JVM_TAKES = 48L << 20;

  @Test
  void twoThousandSignaturesAndAHundredLossesLeaveNothingBehind(@TempDir Path home)
      throws Exception {
    run(home, 2_000);
  }

  @Test
  @Tag("fault")
  void aHundredThousandSignaturesAndAHundredLossesLeaveNothingBehind(@TempDir Path home)
      throws Exception {
    run(home, 100_000);
  }

  private static void run(Path home, int signatures) throws Exception {
    SoftHsm.Token token = SoftHsm.here().token("leaks");
    Shim shim = Shim.in(home);
    Pkcs11Uri uri = Pkcs11Uri.parse(token.uri(shim.library()));
    try (PrivateKeyStore store =
        PrivateKeyStores.createPkcs11(home.resolve("keys"), uri, Pkcs11Place.CRYPTO)) {
      StoredKey key = store.make(Pkcs11Place.CA, KeyType.EC_P256);
      // What the JVM makes once, as compiled code, is made when a tenth is done.
      round(shim, key, signatures / 10, signatures / LOSSES);
      Footprint before = Footprint.now();
      long start = System.nanoTime();
      round(shim, key, signatures, signatures / LOSSES);
      Duration took = Duration.ofNanos(System.nanoTime() - start);
      Footprint after = Footprint.now();
      System.out.printf(
          "%d signatures and %d losses in %d ms: file descriptors %+d, threads %+d, maps %+d,"
              + " resident %+d KiB%n",
          signatures,
          LOSSES,
          took.toMillis(),
          after.files() - before.files(),
          after.threads() - before.threads(),
          after.maps() - before.maps(),
          (after.resident() - before.resident()) / 1024);
      assertThat(after.files() - before.files()).isLessThan(LOSSES / 4);
      assertThat(after.threads() - before.threads()).isLessThan(LOSSES / 4);
      assertThat(after.maps() - before.maps()).isLessThan(LOSSES);
      assertThat(after.resident() - before.resident()).isLessThan(MEMORY_THAT_A_JVM_TAKES);
    } finally {
      SoftHsm.remove(token);
    }
  }

  private static void round(Shim shim, StoredKey key, int signatures, int each) throws Exception {
    byte[] message = new byte[64];
    Ckr[] codes = {
      Ckr.DEVICE_REMOVED, Ckr.SESSION_HANDLE_INVALID, Ckr.USER_NOT_LOGGED_IN, Ckr.DEVICE_ERROR
    };
    for (int i = 0; i < signatures; i++) {
      if (i % each == 0) {
        shim.answerOnce(
            i % (2 * each) == 0 ? Function.SIGN : Function.SIGN_INIT, codes[i / each % 4]);
        Eventually.signs(key);
      }
      message[i % 64]++;
      byte[] signature = key.sign(message);
      if (!Pkcs11Place.CRYPTO.verify(key.publicKey(), key.type(), message, signature)) {
        throw new AssertionError("signature " + i + " does not verify");
      }
    }
  }
}
