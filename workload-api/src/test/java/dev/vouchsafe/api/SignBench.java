package dev.vouchsafe.api;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Signatures over kept connections on the Unix socket, everything behind it real, against a bare
 * HTTP echo on the same kind of socket by the same load client, in turns in one run. It judges that
 * every answer is right, not how fast it came: the ratio hangs on what else the machine does.
 */
@Tag("bench")
class SignBench {
  private static final int CONNECTIONS = 8;
  private static final int ROUNDS = 5;
  private static final int WARM_UP_SECONDS = 8;
  private static final int SECONDS = 4;
  private static final String BODY =
      "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\"aHViLmV4YW1wbGUlMkZkZXZpY2VzJTJG"
          + "Z3clMkZtb2R1bGVzJTJGZWRnZUh1YgoxOTI0OTkyMDAw\"}";
  private static final Pattern RATE =
      Pattern.compile(
          "finished in .*, ([0-9.]+) req/s(?s:.*)status codes: ([0-9]+) 2xx, 0 3xx, 0 4xx, 0 5xx");

  @TempDir private Path folder;

  /** What one run found. */
  private record Run(double rate, double cpuMicros) {}

  private Run load(Path socket, String target, int seconds) throws Exception {
    Path body = Files.writeString(folder.resolve("body.json"), BODY);
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long before = system.getProcessCpuTime();
    Process client =
        new ProcessBuilder(
                "h2load",
                "--h1",
                "-c",
                "" + CONNECTIONS,
                "-D",
                "" + seconds,
                "-B",
                "unix:" + socket,
                "-H",
                "content-type: application/json",
                "-d",
                body.toString(),
                "http://localhost" + target)
            .redirectErrorStream(true)
            .start();
    String said = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(client.waitFor()).as(said).isZero();
    long cpu = system.getProcessCpuTime() - before;
    Matcher matcher = RATE.matcher(said);
    assertThat(matcher.find()).as("every answer is a 2xx: %s", said).isTrue();
    return new Run(
        Double.parseDouble(matcher.group(1)), cpu / 1e3 / Long.parseLong(matcher.group(2)));
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted[sorted.length / 2];
  }

  @Test
  void signaturesAgainstAnEcho() throws Exception {
    String target = "/modules/edgeHub/genid/1/sign?api-version=2018-06-28";
    try (TestHome home = TestHome.in(folder);
        BareEcho echo = BareEcho.start(folder.resolve("echo.sock"))) {
      home.add(TestHome.ownProgram("edgeHub", Path.of("/usr/bin/h2load")));
      try (TestServer server = TestServer.start(home)) {
        load(echo.socket(), target, WARM_UP_SECONDS);
        load(server.workload, target, WARM_UP_SECONDS);
        List<Double> ratios = new ArrayList<>();
        for (int round = 0; round < ROUNDS; round++) {
          Run ceiling = load(echo.socket(), target, SECONDS);
          Run sign = load(server.workload, target, SECONDS);
          ratios.add(sign.rate() / ceiling.rate());
          System.out.printf(
              "echo %,8.0f/s %5.1f us CPU   sign %,8.0f/s %5.1f us CPU   ratio %.3f%n",
              ceiling.rate(),
              ceiling.cpuMicros(),
              sign.rate(),
              sign.cpuMicros(),
              sign.rate() / ceiling.rate());
        }
        System.out.printf("median ratio %.3f%n", median(ratios));
      }
    }
  }
}
