package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What signing by the store costs over the bare C calls, measured turn by turn in one run. */
@Tag("bench")
class Pkcs11SpeedTest {
  private static final int TURNS = 9;
  private static final double TURN_SECONDS = 0.5;
  private static final byte[] MESSAGE = new byte[600];
  private static final KeyLabel LABEL = KeyLabel.of("bench");

  @Test
  void signingByTheStoreIsNearlyAsFastAsTheTokenItself(@TempDir Path home) throws Exception {
    SoftHsm hsm = SoftHsm.here();
    SoftHsm.Token token = hsm.token("bench");
    Path program = CProgram.compile("c_sign_rate", home.resolve("c_sign_rate"));
    try (PrivateKeyStore store =
        PrivateKeyStores.createPkcs11(
            home.resolve("keys"), Pkcs11Uri.parse(token.uri()), SoftwareCrypto.choose())) {
      StoredKey key = store.make(LABEL, KeyType.EC_P256);
      StoreId id = StoreId.parse(Files.readAllBytes(home.resolve("keys/pkcs11.store")));
      for (int threads : new int[] {1, 2}) {
        List<String> bare =
            List.of(
                program.toString(),
                SoftHsm.library().toString(),
                token.label(),
                token.pin(),
                HexFormat.of().formatHex(id.of(LABEL)),
                Double.toString(TURN_SECONDS),
                Integer.toString(threads));
        compare(threads, key, () -> Double.parseDouble(hsm.output(bare).strip()));
      }
    } finally {
      SoftHsm.remove(token);
    }
  }

  /** What our threads make in a turn, and what as many make in C. */
  private static void compare(int threads, StoredKey key, Callable<Double> bare) throws Exception {
    // The best turn of each: what else runs on the machine only takes away.
    double rate = 0;
    double most = 0;
    for (int turn = 0; turn < TURNS; turn++) {
      most = Math.max(most, bare.call());
      rate = Math.max(rate, perSecond(threads, key));
    }
    System.out.printf(
        "sign, %d thread(s): %.0f/s, bare C_Sign %.0f/s, ratio %.2f%n",
        threads, rate, most, rate / most);
    assertThat(rate / most).isGreaterThan(0.85);
  }

  private static double perSecond(int threads, StoredKey key) throws Exception {
    List<Callable<Double>> work = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      work.add(() -> {
        long start = System.nanoTime();
        long end = start + (long) (TURN_SECONDS * 1e9);
        long count = 0;
        while (System.nanoTime() < end) {
          for (int n = 0; n < 50; n++) {
            key.sign(MESSAGE);
          }
          count += 50;
        }
        return count * 1e9 / (System.nanoTime() - start);
      });
    }
    return AtOnce.run(work).stream().mapToDouble(Double::doubleValue).sum();
  }
}
