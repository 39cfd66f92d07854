package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The numbers of docs/benchmarks.md, each with its ceiling in the same run. It fails when something
 * is not a certificate, never because the machine is slow.
 */
@Tag("bench")
class IssuanceBenchmark {
  private static final int CONNECTIONS = 32;
  private static final int WARM_UP_SECONDS = 30;
  private static final int SECONDS = 10;
  private static final int STARTS = 5;
  private static final Pattern SPEED =
      Pattern.compile("256 bits ecdsa \\(nistp256\\) +\\S+ +\\S+ +(\\S+) +(\\S+)");

  @Test
  @Timeout(600)
  void certificatesWithAFreshKeyAndTheTimeToReady() throws Exception {
    Map<String, Object> found = new LinkedHashMap<>();
    try (GatewayHome home = GatewayHome.initialised()) {
      home.addModule(
          "load",
          "--selector",
          "unix:path:" + Path.of("/usr/bin/h2load").toRealPath(),
          "--profile",
          "server",
          "--dns",
          "load.gw.example");
      startTimes(home, found);
      issuance(home, found);
    }
    Files.writeString(
        Places.target().resolve("benchmarks.json"),
        new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(found));
    StringBuilder table = new StringBuilder();
    found.forEach(
        (name, value) -> table.append(String.format(Locale.ROOT, "%-44s %s%n", name, value)));
    System.out.print(table);
  }

  private static void startTimes(GatewayHome home, Map<String, Object> found) throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    double bare =
        medianMillis(() -> {
          long start = System.nanoTime();
          Programs.run(java, "-version").done();
          return System.nanoTime() - start;
        });
    double ready =
        medianMillis(() -> {
          long start = System.nanoTime();
          try (RunningGateway gateway = home.serve()) {
            long took = System.nanoTime() - start;
            assertThat(gateway.endpoints()).isNotEmpty();
            return took;
          }
        });
    found.put("java -version, ms", rounded(bare));
    found.put("serve until ready, ms", rounded(ready));
    found.put("ready / java -version (target: at most 45)", rounded(ready / bare));
  }

  private static void issuance(GatewayHome home, Map<String, Object> found)
      throws IOException, InterruptedException {
    Path log = home.beside("load").resolve("h2load.log");
    try (RunningGateway gateway = home.serve()) {
      found.put("serve when ready, RssAnon, MB", rssAnon(gateway.pid()));
      double before = signaturesPerSecond();
      LoadFigures.measure(gateway, CONNECTIONS, WARM_UP_SECONDS, log);
      LoadFigures busy =
          LoadFigures.median(
              LoadFigures.measure(gateway, CONNECTIONS, SECONDS, log),
              LoadFigures.measure(gateway, CONNECTIONS, SECONDS, log),
              LoadFigures.measure(gateway, CONNECTIONS, SECONDS, log));
      found.put("serve after the load, RssAnon, MB", rssAnon(gateway.pid()));
      LoadFigures alone = LoadFigures.measure(gateway, 1, SECONDS, log);
      double after = signaturesPerSecond();
      double ceiling = (before + after) / 2;
      found.put("openssl speed, P-256 signatures/s", rounded(ceiling));
      found.put("certificates/s, 32 connections", rounded(busy.perSecond()));
      found.put("certificates / signatures (target: 0.12)", rounded(busy.perSecond() / ceiling));
      found.put("32 connections, p50, ms", millis(busy.p50()));
      found.put("32 connections, p99, ms", millis(busy.p99()));
      found.put("32 connections, processor time each, µs", micros(busy.cpuPerAnswer()));
      found.put("certificates/s, 1 connection", rounded(alone.perSecond()));
      found.put("1 connection, p50, ms", millis(alone.p50()));
      found.put("1 connection, p99, ms", millis(alone.p99()));
    }
  }

  private static double signaturesPerSecond() throws IOException, InterruptedException {
    String said = Programs.run("openssl", "speed", "-seconds", "3", "ecdsap256").done();
    Matcher matcher = SPEED.matcher(said);
    assertThat(matcher.find()).as(said).isTrue();
    return Double.parseDouble(matcher.group(1));
  }

  /** The work gives nanoseconds. */
  private static double medianMillis(Callable<Long> work) throws Exception {
    long[] took = new long[STARTS];
    for (int i = 0; i < STARTS; i++) {
      took[i] = work.call();
    }
    Arrays.sort(took);
    return took[STARTS / 2] / 1e6;
  }

  private static long rssAnon(long pid) throws IOException {
    List<String> status = Files.readAllLines(Path.of("/proc", String.valueOf(pid), "status"));
    try (Stream<String> lines = status.stream()) {
      return lines
              .filter(line -> line.startsWith("RssAnon:"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
              .findFirst()
              .orElseThrow()
          / 1024;
    }
  }

  private static double rounded(double value) {
    double step = value < 10 ? 1000 : value < 1000 ? 10 : 1;
    return Math.round(value * step) / step;
  }

  private static double millis(Duration duration) {
    return rounded(duration.toNanos() / 1e6);
  }

  private static double micros(Duration duration) {
    return rounded(duration.toNanos() / 1e3);
  }
}
