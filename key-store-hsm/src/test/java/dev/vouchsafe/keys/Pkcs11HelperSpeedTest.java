package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a helper process costs, measured turn by turn beside the library in this process. */
@Tag("bench")
class Pkcs11HelperSpeedTest {
  private static final int TURNS = 9;
  private static final long TURN = 1_000_000_000L;
  private static final byte[] MESSAGE = new byte[600];
  private static final KeyLabel LABEL = KeyLabel.of("bench");

  @Test
  void aHelperCostsTensOfMicrosecondsASignature(@TempDir Path home) throws Exception {
    SoftHsm.Token token = SoftHsm.here().token("bench-helper");
    Pkcs11Uri uri = Pkcs11Uri.parse(token.uri());
    try (PrivateKeyStore here =
            PrivateKeyStores.createPkcs11(
                folder(home, "here"), new Pkcs11Settings(uri, false), Pkcs11Place.CRYPTO);
        PrivateKeyStore helper =
            PrivateKeyStores.createPkcs11(
                folder(home, "helper"), new Pkcs11Settings(uri, true), Pkcs11Place.CRYPTO)) {
      StoredKey fast = here.make(LABEL, KeyType.EC_P256);
      StoredKey safe = helper.make(LABEL, KeyType.EC_P256);
      for (int threads : new int[] {1, 2}) {
        double rateHere = 0;
        double rateHelper = 0;
        long[] middleHere = new long[TURNS];
        long[] middleHelper = new long[TURNS];
        for (int i = 0; i < TURNS; i++) {
          Turn one = turn(threads, fast);
          Turn two = turn(threads, safe);
          rateHere = Math.max(rateHere, one.rate());
          rateHelper = Math.max(rateHelper, two.rate());
          middleHere[i] = one.middle();
          middleHelper[i] = two.middle();
        }
        Arrays.sort(middleHere);
        Arrays.sort(middleHelper);
        System.out.printf(
            "sign, %d thread(s): in this process %.0f/s, p50 %d us; helper process %.0f/s, p50 %d"
                + " us%n",
            threads,
            rateHere,
            middleHere[TURNS / 2] / 1000,
            rateHelper,
            middleHelper[TURNS / 2] / 1000);
        assertThat(rateHelper).isGreaterThan(100);
      }
    } finally {
      SoftHsm.remove(token);
    }
  }

  private static Path folder(Path home, String name) throws Exception {
    return Files.createDirectory(home.resolve(name)).resolve("keys");
  }

  /**
   * What one turn made.
   *
   * @param rate signatures per second, of all threads
   * @param middle nanoseconds of the signature in the middle
   */
  private record Turn(double rate, long middle) {}

  private static Turn turn(int threads, StoredKey key) throws Exception {
    List<Callable<long[]>> work = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      work.add(() -> signAll(key));
    }
    long[] all = AtOnce.run(work).stream().flatMapToLong(Arrays::stream).sorted().toArray();
    return new Turn(all.length * 1e9 / TURN, all[all.length / 2]);
  }

  private static long[] signAll(StoredKey key) throws Exception {
    long[] took = new long[100_000];
    int count = 0;
    long start = System.nanoTime();
    for (long now = start; now - start < TURN && count < took.length; ) {
      key.sign(MESSAGE);
      long next = System.nanoTime();
      took[count++] = next - now;
      now = next;
    }
    return Arrays.copyOf(took, count);
  }
}
