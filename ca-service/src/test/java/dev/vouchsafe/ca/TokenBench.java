package dev.vouchsafe.ca;

import dev.vouchsafe.ca.ModuleKeys.Module;
import dev.vouchsafe.ca.ModuleKeys.Which;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a signature, a ciphertext and a token cost without the network, on one and two threads. */
@Tag("bench")
class TokenBench {
  private static final int ROUNDS = 4;

  @TempDir Path folder;

  private interface Work {
    Object run() throws Exception;
  }

  @Test
  void operationsASecond() throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      ModuleKeys keys = ca.ca().moduleKeys();
      Module module = new Module("edgeHub", "638001");
      byte[] data = new byte[133];
      byte[] iv = new byte[16];
      byte[] box = keys.encrypt(module, iv, data);
      Grant grant = TokensTest.grant("hub.example");
      TokenRequest request = TokensTest.request("hub.example");
      TokenVerifier verifier = TokenVerifier.of(ca.ca().tokens().jwks());
      String token = ca.token(grant, request).token();
      measure("sign", 300_000, () -> keys.sign(module, Which.PRIMARY, data));
      measure("encrypt", 100_000, () -> keys.encrypt(module, iv, data));
      measure("decrypt", 100_000, () -> keys.decrypt(module, iv, box));
      measure("token", 40_000, () -> ca.token(grant, request));
      measure("jwks", 20_000, () -> ca.ca().tokens().jwks());
      measure("verify", 4_000, () -> verifier.verify(token, Optional.empty(), TestCa.NOW));
    }
  }

  private static void measure(String name, int count, Work work) throws Exception {
    for (int threads : new int[] {1, 2}) {
      long best = Long.MAX_VALUE;
      for (int round = 0; round < ROUNDS; round++) {
        long start = System.nanoTime();
        List<Thread> all = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
          all.add(Thread.ofPlatform().start(() -> repeat(count, work)));
        }
        for (Thread thread : all) {
          thread.join();
        }
        best = Math.min(best, System.nanoTime() - start);
      }
      System.out.printf(
          "%-8s %d threads: %,9.0f /s, %6.2f us each%n",
          name, threads, threads * count / (best / 1e9), best / 1e3 / count);
    }
  }

  private static void repeat(int count, Work work) {
    try {
      for (int i = 0; i < count; i++) {
        if (work.run().hashCode() == 42) {
          System.out.print("");
        }
      }
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
