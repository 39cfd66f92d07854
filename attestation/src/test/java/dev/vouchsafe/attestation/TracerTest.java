package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A caller that another process traces may say what that one wants. */
class TracerTest {
  private static final String SCRIPT =
      """
      use POSIX (); $| = 1;
      my $ptrace = (POSIX::uname())[4] eq 'aarch64' ? 117 : 101;
      my $seize = 0x4206;
      syscall($ptrace, $seize, $ARGV[0] + 0, 0, 0) >= 0 or die "ptrace: $!";
      print "traced\\n";
      <STDIN>;
      """;

  @TempDir Path folder;
  private final Registration registration = Samples.registration("m", ownUid());

  /** A process that traces another until it is closed. */
  private static final class Tracer implements AutoCloseable {
    private final Process process;

    Tracer(Peer peer) throws IOException {
      process =
          new ProcessBuilder(Peer.PERL.toString(), "-e", SCRIPT, Long.toString(peer.pid()))
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      String line = process.inputReader(StandardCharsets.US_ASCII).readLine();
      if (!"traced".equals(line)) {
        close();
        throw new IOException("can't trace");
      }
    }

    @Override
    public void close() {
      process.destroyForcibly();
      try {
        process.waitFor();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @BeforeEach
  void assumeRoot() {
    assumeTrue(Samples.uid() == 0, "needs root to trace");
  }

  @Test
  void aTracedCallerIsRefusedWhileItIsTraced() throws Exception {
    try (Attestations at = new Attestations(folder, new Kernel());
        Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      try (Tracer _ = new Tracer(peer)) {
        assertThat(reason(at.attestor.measure(caller, registration))).isEqualTo("refused: traced");
        assertThat(at.attestor.measure(List.of(caller, caller), registration))
            .extracting(Attestations::reason)
            .containsOnly("refused: traced");
      }
      assertThat(reason(at.attestor.measure(caller, registration))).isEqualTo("attested");
    }
  }

  @Test
  void aTracerThatComesBetweenTheLooksIsSeenAtTheLast() throws Exception {
    try (Attestations at = new Attestations(folder, new Kernel());
        Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      Verdict verdict = at.attestor.measure(caller, registration);
      try (Tracer _ = new Tracer(peer)) {
        assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
            .isEqualTo("refused: traced");
      }
    }
  }

  @Test
  void aTracerIsSeenWithinASecondWhereNothingIsIssued() throws Exception {
    try (Attestations at = new Attestations(folder, new Kernel());
        Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      assertThat(reason(at.attestor.measure(List.of(caller), registration).getFirst()))
          .isEqualTo("attested");
      try (Tracer _ = new Tracer(peer)) {
        long start = System.nanoTime();
        String found = "attested";
        while (found.equals("attested")) {
          found = reason(at.attestor.measure(List.of(caller), registration).getFirst());
          assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
        assertThat(found).isEqualTo("refused: traced");
        for (int i = 0; i < 3; i++) {
          assertThat(reason(at.attestor.measure(List.of(caller), registration).getFirst()))
              .isEqualTo("refused: traced");
        }
      }
    }
  }

  @Test
  void theOperatorMayAllowTracers() throws Exception {
    AttestationSettings allowed =
        new AttestationSettings(false, Optional.empty(), Optional.empty());
    try (Attestations at =
            new Attestations(folder, allowed, new Kernel(), ExecutableHashes.Limits.DEFAULT);
        Peer peer = Peer.connect(at.listener);
        Tracer _ = new Tracer(peer)) {
      assertThat(at.verdict(peer, ownUid())).isEqualTo("attested");
    }
  }

  @Test
  void whoMayBeTracedButCantBeToldIsUnavailable() throws Exception {
    Kernel blind =
        new Kernel() {
          @Override
          int open(Scratch s, int pid, String file) {
            return file.equals("status") && pid != Libc.getpid(new Scratch())
                ? -Libc.EACCES
                : super.open(s, pid, file);
          }
        };
    try (Attestations at = new Attestations(folder, blind);
        Peer peer = Peer.connect(at.listener)) {
      assertThat(at.verdict(peer, ownUid())).isEqualTo("unavailable: measurement-denied");
    }
  }
}
