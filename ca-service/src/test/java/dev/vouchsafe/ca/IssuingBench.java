package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import dev.vouchsafe.ca.IssuingCaSettings.Mode;
import dev.vouchsafe.keys.Swtpm;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What one certificate costs without the network: durable, signed and verified, with a new key. */
@Tag("bench")
class IssuingBench {
  private static final int WARM_UP = 30_000;
  private static final int MEASURED = 40_000;

  /**
   * Each kind is measured so often, in turns, so that what else the machine does hits all alike.
   */
  private static final int TURNS = 5;

  private static final int A_TURN = 8_000;

  /** Of the software store's rate, what an issuing CA must reach. */
  private static final double WANTED = 0.9;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {1, 8, 32, 128})
  void certificatesASecond(int inFlight) throws Exception {
    try (TestCa ca = TestCa.in(folder)) {
      run(ca, inFlight, WARM_UP / Math.max(1, 8 / inFlight));
      int count = MEASURED / Math.max(1, 8 / inFlight);
      OperatingSystemMXBean system =
          (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      long cpu = system.getProcessCpuTime();
      double rate = rate(ca, inFlight, count);
      System.out.printf(
          "in flight %3d: %,7.0f certificates/s, %5.1f us CPU each, %s%n",
          inFlight,
          rate,
          (system.getProcessCpuTime() - cpu) / 1e3 / count,
          TestCa.CRYPTO.description());
    }
  }

  /** The device CA's key in a TPM: with two speeds, how long that takes doesn't matter. */
  @Test
  void anIssuingCaUnderATpmIsAsFastAsTheSoftwareStore() throws Exception {
    try (TestCa direct = TestCa.with(settings("direct", Mode.OFF));
        Swtpm one = Swtpm.in(folder.resolve("tpm1"));
        Swtpm other = Swtpm.in(folder.resolve("tpm2"));
        TestCa twoSpeed = onTpm("two-speed", Mode.AUTO, one);
        TestCa alone = onTpm("alone", Mode.OFF, other)) {
      run(direct, 32, A_TURN);
      run(twoSpeed, 32, A_TURN);
      List<Double> software = new ArrayList<>();
      List<Double> delegated = new ArrayList<>();
      for (int turn = 0; turn < TURNS; turn++) {
        software.add(rate(direct, 32, A_TURN));
        delegated.add(rate(twoSpeed, 32, A_TURN));
      }
      double tpm = rate(alone, 1, 40);
      double ratio = median(delegated) / median(software);
      System.out.printf(
          "software %,.0f/s, two-speed on swtpm %,.0f/s (%.2f of it), swtpm alone %.1f/s%n",
          median(software), median(delegated), ratio, tpm);
      assertThat(ratio).isGreaterThanOrEqualTo(WANTED);
    }
  }

  private CaSettings settings(String name, Mode mode) throws Exception {
    Path own = Files.createDirectory(folder.resolve(name));
    return TestCa.settings(own, new IssuingCaSettings(mode, Duration.ofHours(24), Set.of()));
  }

  private TestCa onTpm(String name, Mode mode, Swtpm tpm) throws Exception {
    CaSettings settings = settings(name, mode);
    InsecureStores stores = TestCa.stores(settings).choose(AuthorityInfo.Role.DEVICE, "tpm");
    stores.put("tpm", TpmDeviceCaTest.make(folder.resolve(name), tpm));
    return TestCa.with(settings, stores);
  }

  private static double median(List<Double> rates) {
    List<Double> sorted = new ArrayList<>(rates);
    Collections.sort(sorted);
    return sorted.get(sorted.size() / 2);
  }

  private static double rate(TestCa ca, int inFlight, int count) throws InterruptedException {
    long start = System.nanoTime();
    run(ca, inFlight, count);
    return count / ((System.nanoTime() - start) / 1e9);
  }

  private static void run(TestCa ca, int inFlight, int count) throws InterruptedException {
    Semaphore permits = new Semaphore(inFlight);
    AtomicInteger failures = new AtomicInteger();
    Grant grant = TestCa.grant();
    CertificateRequest request = CertificateRequest.of(Profile.IDENTITY);
    Stream.generate(() -> request)
        .limit(count)
        .forEach(asked -> {
          permits.acquireUninterruptibly();
          var _ =
              ca.ca()
                  .issue(grant, asked)
                  .whenComplete((issued, failure) -> {
                    if (failure != null) {
                      failures.incrementAndGet();
                    }
                    permits.release();
                  });
        });
    permits.acquire(inFlight);
    assertThat(failures).hasValue(0);
  }
}
