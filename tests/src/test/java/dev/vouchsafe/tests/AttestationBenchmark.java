package dev.vouchsafe.tests;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What attestation costs a whole request, by what is asked of the caller and of how many. */
@Tag("bench")
class AttestationBenchmark {
  private static final int CONNECTIONS = 32;
  private static final int WARM_UP_SECONDS = 10;
  private static final int SECONDS = 4;
  private static final int TIMES = 3;
  private static final String OF_UID = "by-uid";
  private static final String OF_ALL = "by-all";

  private static Ask identity(String module) {
    return new Ask("identity", "/v1/identity?module=" + module, "");
  }

  /** Without a name: every registration that the caller could be is thought of. */
  private static final Ask WHICHEVER = new Ask("identity", "/v1/identity", "");

  @Test
  @Timeout(600)
  void aRequestByUserPathAndHashCostsLittleMoreThanOneByUser() throws Exception {
    Path program = Path.of("/usr/bin/h2load").toRealPath();
    String hash =
        HexFormat.of()
            .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(program)));
    try (GatewayHome home = GatewayHome.initialised()) {
      home.addModule(OF_UID);
      home.addModule(
          OF_ALL, "--selector", "unix:path:" + program, "--selector", "unix:sha256:" + hash);
      try (RunningGateway gateway = home.serve()) {
        Load load = new Load(home, gateway);
        load.measure(identity(OF_ALL), WARM_UP_SECONDS);
        double[] uid = new double[TIMES];
        double[] all = new double[TIMES];
        for (int i = 0; i < TIMES; i++) {
          uid[i] = load.measure(identity(OF_UID), SECONDS).cpuPerAnswer().toNanos() / 1e3;
          all[i] = load.measure(identity(OF_ALL), SECONDS).cpuPerAnswer().toNanos() / 1e3;
        }
        System.out.printf(
            Locale.ROOT,
            "uid %.1f us of CPU, uid + path + sha256 %.1f us: %.1f us more (at most 30)%n",
            median(uid),
            median(all),
            median(all) - median(uid));
      }
    }
  }

  @Test
  @Timeout(600)
  void tenThousandRegistrationsCostARequestLittleMoreThanTen() throws Exception {
    try (GatewayHome small = withOthers(9);
        GatewayHome large = withOthers(9_999);
        RunningGateway ofTen = small.serve();
        RunningGateway ofTenThousand = large.serve()) {
      Load few = new Load(small, ofTen);
      Load many = new Load(large, ofTenThousand);
      for (Ask ask : List.of(identity(OF_ALL), WHICHEVER)) {
        few.measure(ask, WARM_UP_SECONDS);
        many.measure(ask, WARM_UP_SECONDS);
        double[] ten = new double[TIMES];
        double[] tenThousand = new double[TIMES];
        for (int i = 0; i < TIMES; i++) {
          ten[i] = few.measure(ask, SECONDS).perSecond();
          tenThousand[i] = many.measure(ask, SECONDS).perSecond();
        }
        System.out.printf(
            Locale.ROOT,
            "%s: %.0f/s with 10 registrations, %.0f/s with 10,000: %.2f (at least 0.90)%n",
            ask.target(),
            median(ten),
            median(tenThousand),
            median(tenThousand) / median(ten));
      }
    }
  }

  /** A home with one module that the load is, and so many that it is not: users and containers. */
  private static GatewayHome withOthers(int others) throws Exception {
    GatewayHome home = GatewayHome.initialised();
    home.addModule(OF_ALL, "--selector", "unix:path:" + Path.of("/usr/bin/h2load").toRealPath());
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < others; i++) {
      String selector = i % 2 == 0 ? "unix:uid:" + (100_000 + i) : "container:name:other-" + i;
      text.append("[[module]]\nname = \"other-").append(i);
      text.append("\"\nselectors = [\"").append(selector).append("\"]\n");
    }
    Files.writeString(home.folder().resolve("registrations.d/others.toml"), text);
    return home;
  }

  private static double median(double[] of) {
    double[] sorted = of.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /** Load on a gateway by the tests' own user. */
  private record Load(GatewayHome home, RunningGateway gateway) {
    LoadFigures measure(Ask ask, int seconds) throws Exception {
      return LoadFigures.measure(
          home.workloadSocket(), gateway.pid(), ask, CONNECTIONS, seconds, home.beside("load"));
    }
  }
}
