package dev.vouchsafe.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The device CA and then the root are replaced, by the commands that an administrator types, while
 * modules renew and speak TLS with each other, and with a device that knows the first root only.
 */
class RotationUnderLoadTest {
  private static final int THREADS = 4;

  /** How long a step may take until every module has seen it: some lives of a certificate. */
  private long longest;

  private final AtomicBoolean over = new AtomicBoolean();
  private final Queue<String> failures = new ConcurrentLinkedQueue<>();
  private final LongAdder handshakes = new LongAdder();
  private final LongAdder renewals = new LongAdder();
  private final List<Peer> peers = new ArrayList<>();

  @Test
  @Timeout(240)
  void fortyModulesSeeNothingOfIt() throws Exception {
    rotate(40, 20);
  }

  @Test
  @Tag("fault")
  @Timeout(1800)
  void fiveHundredModulesSeeNothingOfIt() throws Exception {
    rotate(500, 120);
  }

  /**
   * Rotates both.
   *
   * @param life of a certificate in seconds: each module must come to its turn in half of that, on
   *     whatever machine that is
   */
  private void rotate(int modules, int life) throws Exception {
    longest = TimeUnit.SECONDS.toNanos(60 + 4L * life);
    try (GatewayHome home = GatewayHome.empty("[bundle]\nrefresh = \"1s\"\n")) {
      home.init();
      register(home, modules);
      try (RunningGateway gateway = home.serve();
          ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
        for (int i = 0; i < modules; i++) {
          peers.add(new Peer("peer-" + i, home.workloadSocket(), life));
        }
        List<X509Certificate> first = peers.getFirst().roots();
        for (int i = 0; i < THREADS; i++) {
          int thread = i;
          threads.execute(() -> live(thread, first));
        }
        try {
          replaceDevice(home);
          replaceRoot(home, first);
        } finally {
          over.set(true);
        }
        threads.shutdown();
        assertThat(threads.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
        assertThat(failures).isEmpty();
        assertThat(handshakes.sum()).isGreaterThan(5L * modules);
        assertThat(renewals.sum()).isGreaterThan(2L * modules);
        assertThat(gateway.isAlive()).isTrue();
      }
    }
  }

  /** In one file, read whole. */
  private static void register(GatewayHome home, int modules) throws Exception {
    StringBuilder toml = new StringBuilder();
    for (int i = 0; i < modules; i++) {
      toml.append(
          String.format(
              "[[module]]%nname = \"peer-%d\"%nselectors = [\"unix:uid:%d\"]%n"
                  + "profiles = [\"identity\"]%n",
              i, GatewayHome.uid()));
    }
    Path file = home.folder().resolve("registrations.d/peers.toml");
    Files.createFile(
        file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(file, toml);
  }

  /** Each thread lives the lives of its part of the modules, one step of each after the other. */
  private void live(int thread, List<X509Certificate> first) {
    SplittableRandom random = new SplittableRandom(thread);
    for (int turn = 0; !over.get(); turn++) {
      Peer peer = peers.get((turn * THREADS + thread) % peers.size());
      Peer other = peers.get(random.nextInt(peers.size()));
      step(
          "bundle",
          () -> {
            peer.follow();
            return true;
          });
      step(
          "renewal",
          () -> {
            if (!Instant.now().isBefore(peer.identity().renewAfter())) {
              renewals.increment();
            }
            peer.renew(Instant.now());
            return true;
          });
      step(
          "handshake",
          () -> {
            peer.shakeHandsWith(other);
            handshakes.increment();
            return true;
          });
      step(
          "handshake of a device that knows the first root only",
          () -> {
            Peer.shakeHands(first, other);
            return true;
          });
    }
  }

  private void step(String what, Callable<Boolean> step) {
    try {
      boolean _ = step.call();
    } catch (Exception e) {
      failures.add(Instant.now() + " " + what + ": " + e);
    }
  }

  private void replaceDevice(GatewayHome home) throws Exception {
    X509Certificate before = issuer(peers.getFirst());
    home.run("ca", "prepare").done();
    home.run("ca", "activate").done();
    await(peer -> !issuer(peer).equals(before), "every module has a certificate of the new one");
  }

  private void replaceRoot(GatewayHome home, List<X509Certificate> first) throws Exception {
    home.run("ca", "prepare", "--authority", "root").done();
    home.run("ca", "publish").done();
    takeWhenItIsTime(home, "ca", "activate", "--authority", "root");
    await(
        peer -> peer.roots().size() == 2 && !first.contains(anchor(peer)),
        "every module has a certificate under the new root");
    // The service's own certificate goes on to its end: with it, the step would wait for weeks.
    home.run("ca", "retire", "--authority", "root", "--now").done();
    await(peer -> peer.roots().stream().noneMatch(first::contains), "the first root is gone");
  }

  private void takeWhenItIsTime(GatewayHome home, String... command) throws Exception {
    long began = System.nanoTime();
    Programs.Ended ended = home.run(command);
    while (ended.exit() != 0) {
      assertThat(System.nanoTime() - began).as(ended.out() + ended.err()).isLessThan(longest);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500));
      ended = home.run(command);
    }
  }

  private void await(Predicate<Peer> condition, String what) {
    long began = System.nanoTime();
    while (!peers.stream().allMatch(condition)) {
      assertThat(System.nanoTime() - began).as(what + failures).isLessThan(longest);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
    }
  }

  private static X509Certificate issuer(Peer peer) {
    return peer.identity().chain().get(1);
  }

  /** The root of its chain, which that itself leaves out. */
  private static X509Certificate anchor(Peer peer) {
    X509Certificate device = issuer(peer);
    return peer.roots().stream()
        .filter(root -> root.getSubjectX500Principal().equals(device.getIssuerX500Principal()))
        .findFirst()
        .orElseThrow();
  }
}
