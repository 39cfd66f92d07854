package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.InstantSource;
import java.util.HexFormat;
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
    for (int i = 0; i < ROUNDS; i++) {
      work.run();
    }
    long start = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    for (int i = 0; i < ROUNDS; i++) {
      work.run();
    }
    long nanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - start;
    double micros = nanos / 1e3 / ROUNDS;
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
      assertThat(full - bare).isLessThan(30);
    } finally {
      at.close();
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
