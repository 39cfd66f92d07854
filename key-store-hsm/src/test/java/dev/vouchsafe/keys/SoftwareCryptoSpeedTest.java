package dev.vouchsafe.keys;

import static org.assertj.core.api.Assertions.assertThat;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What this module costs over the bare provider, measured turn by turn in one run. */
@Tag("bench")
class SoftwareCryptoSpeedTest {
  private static final int TURNS = 9;
  private static final long TURN_NANOS = TimeUnit.MILLISECONDS.toNanos(300);
  private static final byte[] MESSAGE = new byte[600];

  /** Something that is done again and again. */
  private interface Work {
    void run() throws Exception;
  }

  @Test
  void aNewSignatureObjectForEachCallCostsLittleOverOneThatIsReused() throws Exception {
    AmazonCorrettoCryptoProvider provider = AmazonCorrettoCryptoProvider.INSTANCE;
    Assumptions.assumeTrue(provider.getLoadingError() == null, "the native library is not here");
    SoftwareCrypto crypto = SoftwareCrypto.choose();
    KeyPair pair = crypto.generate(KeyType.EC_P256);
    byte[] signature = crypto.sign(pair.getPrivate(), KeyType.EC_P256, MESSAGE);
    Signature reused = Signature.getInstance("SHA256withECDSA", provider);
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", provider);
    generator.initialize(new ECGenParameterSpec("secp256r1"));

    compare(
        "sign",
        () -> crypto.sign(pair.getPrivate(), KeyType.EC_P256, MESSAGE),
        () -> {
          reused.initSign(pair.getPrivate());
          reused.update(MESSAGE);
          reused.sign();
        });
    compare(
        "verify",
        () -> crypto.verify(pair.getPublic(), KeyType.EC_P256, MESSAGE, signature),
        () -> {
          reused.initVerify(pair.getPublic());
          reused.update(MESSAGE);
          reused.verify(signature);
        });
    compare("generate", () -> crypto.generate(KeyType.EC_P256), () -> generator.generateKeyPair());
  }

  private static void compare(String name, Work ours, Work bare) throws Exception {
    double most = 0;
    double ceiling = 0;
    for (int turn = 0; turn < TURNS; turn++) {
      most = Math.max(most, perSecond(ours));
      ceiling = Math.max(ceiling, perSecond(bare));
    }
    System.out.printf("%s: %.0f/s, bare provider %.0f/s%n", name, most, ceiling);
    assertThat(most / ceiling).as(name).isGreaterThan(0.85);
  }

  private static double perSecond(Work work) throws Exception {
    long start = System.nanoTime();
    long count = 0;
    while (System.nanoTime() - start < TURN_NANOS) {
      for (int i = 0; i < 100; i++) {
        work.run();
      }
      count += 100;
    }
    return count * 1e9 / (System.nanoTime() - start);
  }
}
