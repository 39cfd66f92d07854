package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What attestation costs in processor time of the thread that does it. */
@Tag("bench")
class CostTest {
  private static final int ROUNDS = 50_000;

  @TempDir Path folder;
  private Attestations at;

  /** Something to measure. */
  private interface Work {
    void run() throws Exception;
  }

  @BeforeEach
  void open() throws Exception {
    at = new Attestations(folder, new Kernel());
  }

  private static double micros(String what, Work work) throws Exception {
    return micros(what, ROUNDS, work);
  }

  private static double micros(String what, int rounds, Work work) throws Exception {
    for (int i = 0; i < rounds; i++) {
      work.run();
    }
    long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    for (int i = 0; i < rounds; i++) {
      work.run();
    }
    long nanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start;
    double micros = nanos / 1e3 / rounds;
    System.out.printf("%-50s %6.2f us%n", what, micros);
    return micros;
  }

  @Test
  void attestationCostsMicroseconds() throws Exception {
    byte[] perl = Files.readAllBytes(Peer.PERL.toRealPath());
    String hash =
        "unix:sha256:"
            + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(perl));
    String path = "unix:path:" + Peer.PERL.toRealPath();
    Registration uid = Samples.registration("m", ownUid());
    Registration uidAndPath = Samples.registration("m", ownUid(), path);
    Registration all = Samples.registration("m", ownUid(), path, hash);
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      micros("accept and close", () -> at.attestor.accept(peer.socket()).close());
      Verdict.Attested verdict = (Verdict.Attested) at.attestor.measure(caller, uidAndPath);
      double bare = micros("measure, uid", () -> at.attestor.measure(caller, uid));
      micros("measure, uid and path", () -> at.attestor.measure(caller, uidAndPath));
      double full = micros("measure, uid, path and hash", () -> at.attestor.measure(caller, all));
      micros("confirm", () -> at.attestor.confirm(caller, verdict));
      micros(
          "measure among others, uid and path, nothing issued",
          () -> at.attestor.measure(List.of(caller), uidAndPath));
      assertThat(full - bare).isLessThan(30);
    } finally {
      at.close();
    }
  }

  @Test
  void theWriterIsNamedInTwoMicroseconds() throws Exception {
    at.attestor.noteWriters(at.listener.descriptor());
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("write octets");
      Written.By self = new Written.By((int) peer.pid(), Samples.uid());
      double micros = micros("next writer", () -> at.attestor.next(peer.socket(), self));
      assertThat(at.attestor.next(peer.socket(), self)).isSameAs(self);
      assertThat(micros).isLessThan(2);
    } finally {
      at.close();
    }
  }

  @Test
  void aStrictRegistrationCostsMilliseconds() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root to see all processes");
    Registration strict = Samples.strict("m", ownUid());
    try (Peer peer = Peer.connect(at.listener)) {
      peer.does("closeonexec 1");
      try (Caller caller = at.attestor.accept(peer.socket())) {
        assertThat(at.attestor.measure(caller, strict)).isInstanceOf(Verdict.Attested.class);
        double micros = micros("measure, strict", 200, () -> at.attestor.measure(caller, strict));
        assertThat(micros).isLessThan(100_000);
      }
    } finally {
      at.close();
    }
  }

  /** Both read the file from memory: what is compared is the hashing. */
  @Test
  void anUncachedHashKeepsUpWithOpenssl() throws Exception {
    int megabytes = 256;
    Path large = at.copyOfPerl("large");
    try (RandomAccessFile file = new RandomAccessFile(large.toFile(), "rw")) {
      byte[] block = new byte[1024 * 1024];
      new Random(7).nextBytes(block);
      file.seek(file.length());
      for (int i = 0; i < megabytes; i++) {
        file.write(block);
      }
    }
    double ours = 0;
    double theirs = 0;
    try (Peer peer = Peer.connect(at.listener, large)) {
      String wanted = "unix:sha256:" + openssl(large);
      Registration registration = Samples.registration("m", ownUid(), wanted);
      for (int round = 0; round < 3; round++) {
        long start = System.nanoTime();
        openssl(large);
        theirs = Math.max(theirs, megabytes * 1e9 / (System.nanoTime() - start));
        // A change of its times makes it another content, so nothing is remembered of it.
        Files.setPosixFilePermissions(
            large, PosixFilePermissions.fromString(round % 2 == 0 ? "rwxr-xr-x" : "rwx--x--x"));
        try (Caller caller = at.attestor.accept(peer.socket())) {
          start = System.nanoTime();
          assertThat(at.attestor.measure(caller, registration))
              .isInstanceOf(Verdict.Attested.class);
          ours = Math.max(ours, megabytes * 1e9 / (System.nanoTime() - start));
        }
      }
    } finally {
      at.close();
    }
    System.out.printf("hashing %.0f MB/s, openssl dgst %.0f MB/s%n", ours, theirs);
    assertThat(ours).isGreaterThan(0.8 * theirs);
  }

  private static String openssl(Path file) throws Exception {
    Process process =
        new ProcessBuilder("openssl", "dgst", "-sha256", "-r", file.toString()).start();
    try (BufferedReader reader = process.inputReader()) {
      return String.valueOf(reader.readLine()).substring(0, 64);
    } finally {
      process.waitFor();
    }
  }

  @Test
  void tenThousandRegistrationsCostAnAttestedRequestNoMoreThanTen() throws Exception {
    double ten = request(10);
    double tenThousand = request(10_000);
    at.close();
    assertThat(tenThousand).isLessThan(1.1 * ten);
  }

  /** What finding and measuring a caller takes among so many registrations. */
  private double request(int registrations) throws Exception {
    Path of = Files.createDirectory(folder.resolve("of" + registrations));
    StringBuilder toml = new StringBuilder("[[module]]\nname=\"own\"\nselectors=[\"");
    toml.append(ownUid()).append("\"]\n");
    for (int i = 1; i < registrations; i++) {
      toml.append("[[module]]\nname=\"m").append(i);
      toml.append("\"\nselectors=[\"unix:uid:").append(100_000 + i).append("\"]\n");
    }
    Files.writeString(of.resolve("a.toml"), toml);
    try (Registrations followed =
            RegistrationFolder.follow(of, Samples.RULES, InstantSource.system());
        Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      assertThat(followed.current().all()).hasSize(registrations);
      return micros(
          "candidates and measure, " + registrations + " registrations",
          () -> {
            for (Registration each : followed.current().candidates(caller.uid())) {
              at.attestor.measure(caller, each);
            }
          });
    }
  }

  @Test
  void askingForTheRegistrationsCostsNextToNothing() throws Exception {
    Path registrations = Files.createDirectory(folder.resolve("registrations.d"));
    StringBuilder toml = new StringBuilder();
    for (int i = 0; i < 10_000; i++) {
      toml.append("[[module]]\nname=\"m").append(i);
      toml.append("\"\nselectors=[\"unix:uid:").append(i).append("\"]\n");
    }
    Files.writeString(registrations.resolve("a.toml"), toml);
    try (Registrations followed =
        RegistrationFolder.follow(registrations, Samples.RULES, InstantSource.system())) {
      double micros = micros("current() and candidates()", () -> followed.current().candidates(7));
      assertThat(followed.current().candidates(7)).hasSize(1);
      assertThat(micros).isLessThan(50);
    } finally {
      at.close();
    }
  }
}
