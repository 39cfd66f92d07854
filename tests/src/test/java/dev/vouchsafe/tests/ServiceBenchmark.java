package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The numbers of docs/benchmarks.md, each with its ceiling in the same run. It fails when an answer
 * is not what was asked for, never because the machine is slow.
 */
@Tag("bench")
class ServiceBenchmark {
  private static final int CONNECTIONS = 32;
  private static final int WARM_UP_SECONDS = 15;
  private static final int SECONDS = 5;
  private static final int TIMES = 3;
  private static final int STARTS = 5;
  private static final String SIGNED = "hub.example%2Fdevices%2Fgw%2Fmodules%2Fload\n1790000000";
  private static final Ask SIGN =
      new Ask(
          "sign",
          "/modules/load/genid/1/sign?api-version=2018-06-28",
          "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\""
              + Base64.getEncoder().encodeToString(SIGNED.getBytes(StandardCharsets.UTF_8))
              + "\"}");
  private static final Ask TOKEN =
      new Ask("token", "/v1/tokens", "{\"audience\":[\"hub.example\"]}");
  private static final Ask BUNDLE = new Ask("trust bundle", "/v1/trust-bundle", "");

  private final List<Row> rows = new ArrayList<>();
  private final Map<String, Double> figures = new LinkedHashMap<>();

  /** One line of the table. */
  private record Row(
      String store,
      String operation,
      int connections,
      double perSecond,
      double p50Millis,
      double p99Millis,
      double cpuMicros) {
    static Row of(String store, Ask ask, LoadFigures found) {
      return new Row(
          store,
          ask.name(),
          found.connections(),
          rounded(found.perSecond()),
          rounded(found.p50().toNanos() / 1e6),
          rounded(found.p99().toNanos() / 1e6),
          rounded(found.cpuPerAnswer().toNanos() / 1e3));
    }
  }

  @Test
  @Timeout(1200)
  void everyOperationOnEveryKeyStoreAndTheTimeToReady() throws Exception {
    try (GatewayHome home = GatewayHome.initialised()) {
      addLoad(home);
      startTimes(home);
      double before = Ceilings.opensslSignatures();
      operations("software", home);
      double signatures = (before + Ceilings.opensslSignatures()) / 2;
      figures.put("openssl speed, P-256 signatures/s", signatures);
      figures.put(
          "certificates / openssl signatures (at least 0.12)",
          rate("software", Ask.CERTIFICATE) / signatures);
    }
    try (GatewayHome home = GatewayHome.empty()) {
      SoftHsm hsm = SoftHsm.beside(home);
      home.run("init", "--device-id", "gw", "--key-store", "pkcs11", "--pkcs11-uri", hsm.uri())
          .done();
      addLoad(home);
      double before = Ceilings.bareSignatures(hsm);
      operations("pkcs11", home);
      double signatures = (before + Ceilings.bareSignatures(hsm)) / 2;
      figures.put("bare C_Sign on SoftHSM2, P-256 signatures/s", signatures);
      figures.put(
          "certificates on SoftHSM2 / C_Sign (at least 0.20)",
          rate("pkcs11", Ask.CERTIFICATE) / signatures);
    }
    report();
  }

  private static void addLoad(GatewayHome home) throws IOException, InterruptedException {
    home.addModule(
        "load",
        "--selector",
        "unix:path:" + Path.of("/usr/bin/h2load").toRealPath(),
        "--profile",
        "server",
        "--dns",
        "load.gw.example",
        "--audience",
        "hub.example");
  }

  private double rate(String store, Ask ask) {
    return rows.stream()
        .filter(row -> row.store().equals(store) && row.operation().equals(ask.name()))
        .filter(row -> row.connections() == CONNECTIONS)
        .mapToDouble(Row::perSecond)
        .findFirst()
        .orElseThrow();
  }

  private void startTimes(GatewayHome home) throws Exception {
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
    figures.put("java -version, ms", bare);
    figures.put("serve until ready, ms", ready);
    figures.put("ready / java -version (at most 45)", ready / bare);
  }

  private void operations(String store, GatewayHome home) throws IOException, InterruptedException {
    Path folder = home.beside("load");
    try (RunningGateway gateway = home.serve()) {
      figures.put(store + ", RssAnon when ready, MB", rssAnon(gateway.pid()));
      for (Ask ask : List.of(Ask.CERTIFICATE, SIGN, TOKEN, BUNDLE)) {
        measure(gateway, ask, CONNECTIONS, WARM_UP_SECONDS, folder);
        LoadFigures[] busy = new LoadFigures[TIMES];
        LoadFigures[] echo = new LoadFigures[TIMES];
        for (int i = 0; i < TIMES; i++) {
          busy[i] = measure(gateway, ask, CONNECTIONS, SECONDS, folder);
          if (ask.equals(SIGN)) {
            // In turns: what the machine does at the time differs by half from minute to minute.
            echo[i] = Ceilings.echo(folder, SIGN.body(), CONNECTIONS, SECONDS);
          }
        }
        rows.add(Row.of(store, ask, LoadFigures.median(busy)));
        rows.add(Row.of(store, ask, measure(gateway, ask, 1, SECONDS, folder)));
        if (ask.equals(SIGN)) {
          double ceiling = LoadFigures.median(echo).perSecond();
          figures.put(store + ", echo on a Unix socket, requests/s", ceiling);
          figures.put(
              store + ", sign / echo (at least 0.45)",
              LoadFigures.median(busy).perSecond() / ceiling);
        }
      }
      figures.put(store + ", RssAnon after the load, MB", rssAnon(gateway.pid()));
    }
  }

  private static LoadFigures measure(
      RunningGateway gateway, Ask ask, int connections, int seconds, Path folder)
      throws IOException, InterruptedException {
    return LoadFigures.measure(
        gateway.home().workloadSocket(), gateway.pid(), ask, connections, seconds, folder);
  }

  private void report() throws IOException {
    figures.replaceAll((name, value) -> rounded(value));
    Map<String, Object> found = new LinkedHashMap<>();
    found.put("operations", rows);
    found.put("figures", figures);
    Files.writeString(
        Places.target().resolve("benchmarks.json"),
        new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(found));
    StringBuilder table =
        new StringBuilder("store     operation     at once   per s  p50 ms  p99 ms  CPU µs each\n");
    for (Row row : rows) {
      table.append(
          String.format(
              Locale.ROOT,
              "%-9s %-13s %7d %7.0f %7.2f %7.2f %8.1f%n",
              row.store(),
              row.operation(),
              row.connections(),
              row.perSecond(),
              row.p50Millis(),
              row.p99Millis(),
              row.cpuMicros()));
    }
    figures.forEach(
        (name, value) -> table.append(String.format(Locale.ROOT, "%-52s %s%n", name, value)));
    System.out.print(table);
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

  private static double rssAnon(long pid) throws IOException {
    List<String> status = Files.readAllLines(Path.of("/proc", String.valueOf(pid), "status"));
    try (Stream<String> lines = status.stream()) {
      return lines
              .filter(line -> line.startsWith("RssAnon:"))
              .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
              .findFirst()
              .orElseThrow()
          / 1024.0;
    }
  }

  private static double rounded(double value) {
    double step = value < 10 ? 1000 : value < 1000 ? 10 : 1;
    return Math.round(value * step) / step;
  }
}
