package dev.vouchsafe.ca;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What one certificate costs without the network: durable, signed and verified, with a new key. */
@Tag("bench")
class IssuingBench {
  private static final int WARM_UP = 30_000;
  private static final int MEASURED = 40_000;

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
      long start = System.nanoTime();
      run(ca, inFlight, count);
      double seconds = (System.nanoTime() - start) / 1e9;
      System.out.printf(
          "in flight %3d: %,7.0f certificates/s, %5.1f us CPU each, %s%n",
          inFlight,
          count / seconds,
          (system.getProcessCpuTime() - cpu) / 1e3 / count,
          TestCa.CRYPTO.description());
    }
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
