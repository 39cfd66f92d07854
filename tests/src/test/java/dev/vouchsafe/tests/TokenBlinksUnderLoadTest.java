package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A token that is killed and restored again and again, once with foreign keys under the same labels
 * and ids, while clients ask the service for certificates all the time.
 */
class TokenBlinksUnderLoadTest {
  private static final String MODULE = "m";
  private static final int CLIENTS = 4;
  private static final long SEED = 20240607;

  /** What a hang would be; the figures themselves are printed. */
  private static final Duration NEVER_A_HANG = Duration.ofSeconds(10);

  private static final Duration LONGEST_ANSWER = Duration.ofSeconds(2);
  private static final Duration LONGEST_RETURN = Duration.ofSeconds(1);

  private final GatewayHome home;
  private final SoftHsm hsm;
  private final Random random = new Random(SEED);
  private final List<Duration> returns = new ArrayList<>();

  TokenBlinksUnderLoadTest() throws IOException, InterruptedException {
    home = GatewayHome.empty();
    hsm = SoftHsm.beside(home);
  }

  @AfterEach
  void end() throws IOException {
    home.close();
  }

  @Test
  void everyAnswerIsAValidCertificateOrAnHonestUnavailable() throws Exception {
    List<BlinkLoad.Seen> seen = run(Duration.ofSeconds(20), 4);
    assertThat(seen).allSatisfy(one -> assertThat(one.took()).isLessThan(NEVER_A_HANG));
    assertThat(returns).allSatisfy(back -> assertThat(back).isLessThan(NEVER_A_HANG));
  }

  /** The whole run: {@code -Dvouchsafe.blinks.seconds=600} of it, and as many losses as that. */
  @Test
  @Tag("fault")
  @Timeout(value = 30, unit = TimeUnit.MINUTES)
  void tenMinutesAndThirtyLosses() throws Exception {
    int seconds = Integer.getInteger("vouchsafe.blinks.seconds", 600);
    List<BlinkLoad.Seen> seen = run(Duration.ofSeconds(seconds), Math.max(3, seconds / 20));
    assertThat(seen).allSatisfy(one -> assertThat(one.took()).isLessThan(LONGEST_ANSWER));
    assertThat(returns).allSatisfy(back -> assertThat(back).isLessThan(LONGEST_RETURN));
  }

  private List<BlinkLoad.Seen> run(Duration whole, int losses) throws Exception {
    try (TokenServer server = TokenServer.before(hsm, home)) {
      home.initInToken(hsm);
      home.addModule(MODULE, "--profile", "server", "--dns", "m.example");
      Path bundle = home.beside("out").resolve("bundle.pem");
      home.run("bundle", "export", "--out", bundle.toString()).done();
      List<X509Certificate> roots = Certificates.read(bundle);
      try (RunningGateway gateway = home.serve()) {
        long java = gateway.pid();
        String executable = executable(java);
        BlinkLoad load = BlinkLoad.start(home.workloadSocket(), CLIENTS, roots);
        try {
          blinks(load, server, whole, losses);
        } finally {
          load.end();
        }
        assertThat(load.surprises()).isEmpty();
        assertThat(gateway.isAlive()).isTrue();
        assertThat(executable(java)).isEqualTo(executable);
        report(load.seen(), losses);
        assertThat(gateway.stop()).isZero();
        return load.seen();
      }
    }
  }

  /** What that process runs, and since when: it changes if another takes its number. */
  private static String executable(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
    String[] afterName = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return Path.of("/proc", Long.toString(pid), "exe").toRealPath() + " since " + afterName[19];
  }

  private void blinks(BlinkLoad load, TokenServer server, Duration whole, int losses)
      throws Exception {
    long cycle = whole.toNanos() / losses;
    for (int i = 0; i < losses; i++) {
      long end = System.nanoTime() + cycle;
      awaitCertificate(load, System.nanoTime());
      LockSupport.parkNanos(cycle / 4 + (long) (random.nextDouble() * cycle / 8));
      server.kill();
      if (i == losses / 2) {
        withForeignKeys(load, server, cycle / 4);
      } else {
        LockSupport.parkNanos((long) ((0.1 + 0.3 * random.nextDouble()) * cycle));
      }
      server.start();
      returns.add(awaitCertificate(load, System.nanoTime()));
      LockSupport.parkNanos(end - System.nanoTime());
    }
  }

  /** How long after that moment the first certificate was there that was asked for after it. */
  private static Duration awaitCertificate(BlinkLoad load, long since) {
    long latest = since + NEVER_A_HANG.toNanos();
    while (true) {
      for (BlinkLoad.Seen one : load.seen()) {
        if (one.certificate() && one.asked() >= since) {
          return Duration.ofNanos(one.answered() - since);
        }
      }
      assertThat(System.nanoTime()).as("the token is back").isLessThan(latest);
      assertThat(load.surprises()).isEmpty();
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  private void withForeignKeys(BlinkLoad load, TokenServer server, long nanos) throws Exception {
    Path kept = home.beside("kept");
    copy(hsm.tokenFiles(), kept.resolve("tokens"));
    hsm.replaceKeyPairs();
    server.start();
    long since = System.nanoTime();
    LockSupport.parkNanos(nanos);
    long until = System.nanoTime();
    server.kill();
    assertThat(load.seen())
        .filteredOn(one -> one.asked() >= since && one.answered() <= until)
        .isNotEmpty()
        .allSatisfy(one -> assertThat(one.certificate()).isFalse());
    Programs.run("rm", "-r", hsm.tokenFiles().toString()).done();
    copy(kept.resolve("tokens"), hsm.tokenFiles());
  }

  private static void copy(Path from, Path to) throws IOException, InterruptedException {
    Programs.run("cp", "-a", from.toString(), to.toString()).done();
  }

  private void report(List<BlinkLoad.Seen> seen, int losses) {
    List<Duration> took = seen.stream().map(BlinkLoad.Seen::took).sorted().toList();
    List<Duration> back = returns.stream().sorted(Comparator.naturalOrder()).toList();
    System.out.printf(
        "token blinks: %d losses, one with foreign keys; %d certificates, %d times 'unavailable';"
            + " longest answer %d ms, p99 %d ms, middle %d ms; first certificate after the return:"
            + " middle %d ms, longest %d ms%n",
        losses,
        seen.stream().filter(BlinkLoad.Seen::certificate).count(),
        seen.stream().filter(one -> !one.certificate()).count(),
        took.getLast().toMillis(),
        took.get(took.size() * 99 / 100).toMillis(),
        took.get(took.size() / 2).toMillis(),
        back.get(back.size() / 2).toMillis(),
        back.getLast().toMillis());
  }
}
