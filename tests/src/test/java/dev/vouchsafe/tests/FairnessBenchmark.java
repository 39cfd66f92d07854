package dev.vouchsafe.tests;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What one user at full speed does to another who asks one thing after the other. */
@Tag("bench")
class FairnessBenchmark {
  private static final int GREEDY = 64001;
  private static final int MODEST = 64002;
  private static final int SECONDS = 8;
  private static final Ask SIGN =
      new Ask(
          "sign",
          "/modules/%s/genid/1/sign?api-version=2018-06-28",
          "{\"keyId\":\"primary\",\"algo\":\"HMACSHA256\",\"data\":\"aHViCjE3OTAwMDAwMDA=\"}");

  @Test
  @Timeout(300)
  void oneCallerAtFullSpeed() throws Exception {
    try (GatewayHome home = GatewayHome.initialised()) {
      register(home, GREEDY);
      register(home, MODEST);
      Files.setPosixFilePermissions(
          home.folder().getParent(), PosixFilePermissions.fromString("rwxr-xr-x"));
      Files.setPosixFilePermissions(home.folder(), PosixFilePermissions.fromString("rwxr-xr-x"));
      try (RunningGateway gateway = home.serve();
          ExecutorService greedy = Executors.newSingleThreadExecutor()) {
        Load load = new Load(home, gateway);
        load.measure(GREEDY, Ask.CERTIFICATE, 32, SECONDS);
        for (Ask ask : List.of(Ask.CERTIFICATE, SIGN)) {
          for (int connections : List.of(32, 256)) {
            load.measure(MODEST, ask, 1, 2);
            LoadFigures quiet = load.measure(MODEST, ask, 1, SECONDS);
            CompletableFuture<LoadFigures> flood =
                CompletableFuture.supplyAsync(
                    () -> load.unchecked(GREEDY, ask, connections, SECONDS + 4), greedy);
            load.measure(MODEST, ask, 1, 2);
            LoadFigures beside = load.measure(MODEST, ask, 1, SECONDS);
            System.out.printf(
                Locale.ROOT,
                "%-12s quiet p50 %.2f p99 %.2f ms; beside %d connections at %.0f/s: p50 %.2f p99 %.2f ms, %.1f times%n",
                ask.name(),
                millis(quiet.p50().toNanos()),
                millis(quiet.p99().toNanos()),
                connections,
                flood.get().perSecond(),
                millis(beside.p50().toNanos()),
                millis(beside.p99().toNanos()),
                (double) beside.p99().toNanos() / quiet.p99().toNanos());
          }
        }
      }
    }
  }

  private static double millis(long nanos) {
    return nanos / 1e6;
  }

  private static void register(GatewayHome home, int uid) throws Exception {
    home.run(
            "module",
            "add",
            "m" + uid,
            "--selector",
            "unix:uid:" + uid,
            "--profile",
            "server",
            "--dns",
            "load.gw.example")
        .done();
  }

  /** Load by one user on a gateway. */
  private record Load(GatewayHome home, RunningGateway gateway) {
    LoadFigures unchecked(int uid, Ask ask, int connections, int seconds) {
      try {
        return measure(uid, ask, connections, seconds);
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }

    LoadFigures measure(int uid, Ask ask, int connections, int seconds) throws Exception {
      Path folder = home.beside("load-" + uid);
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
      return LoadFigures.measure(
          List.of("setpriv", "--reuid=" + uid, "--regid=" + uid, "--clear-groups", "--"),
          home.workloadSocket(),
          gateway.pid(),
          new Ask(ask.name(), String.format(Locale.ROOT, ask.target(), "m" + uid), ask.body()),
          connections,
          seconds,
          folder);
    }
  }
}
