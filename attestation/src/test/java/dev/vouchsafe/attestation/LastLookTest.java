package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A measurement may be the last look before an answer: nothing that happens in it is missed. */
class LastLookTest {
  @TempDir Path folder;
  private final Meddling kernel = new Meddling();
  private Attestations at;

  /** Something that the caller does. */
  private interface Deed {
    void run() throws IOException;
  }

  /** Lets the caller act in the midst of a look. */
  private static final class Meddling extends Kernel {
    private int executables;
    private int deedAfter;
    private @Nullable Deed deed;
    private @Nullable Deed atNamespace;
    private long mapsOf;
    private int pollFails;
    private int pollErrno;

    /** Has the caller act once its executable was looked at so many times from now on. */
    void afterExecutable(int times, Deed does) {
      executables = 0;
      deedAfter = times;
      deed = does;
    }

    @Override
    FileFacts executable(Scratch s, int pid) throws SystemCallException {
      FileFacts found = super.executable(s, pid);
      executables++;
      if (deed != null && executables == deedAfter) {
        run(deed);
      }
      return found;
    }

    @Override
    int poll(Scratch s, int... pidfds) {
      if (pollFails > 0) {
        pollFails--;
        return -pollErrno;
      }
      return super.poll(s, pidfds);
    }

    /** As if another process shared the memory that a caller has at its first look. */
    @Override
    int open(Scratch s, int pid, String file) {
      return super.open(s, mapsOf != 0 && file.equals("maps") ? (int) mapsOf : pid, file);
    }

    @Override
    int readlink(Scratch s, int pid, String link) {
      int length = super.readlink(s, pid, link);
      if (atNamespace != null && link.equals("ns/user")) {
        byte[] before = s.bytes(Math.max(0, length));
        run(atNamespace);
        MemorySegment.copy(before, 0, s.buffer, ValueLayout.JAVA_BYTE, 0, before.length);
      }
      return length;
    }

    private static void run(Deed deed) {
      try {
        deed.run();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @BeforeEach
  void open() throws Exception {
    at = new Attestations(folder, kernel);
  }

  @AfterEach
  void close() {
    at.close();
  }

  private static String perlPath() throws IOException {
    return "unix:path:" + Peer.PERL.toRealPath();
  }

  private static String perlHash() throws Exception {
    byte[] perl = Files.readAllBytes(Peer.PERL.toRealPath());
    return "unix:sha256:"
        + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(perl));
  }

  @Test
  void aCallerThatEndsWhileItIsMeasuredIsGone() throws Exception {
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      kernel.atNamespace = peer::ends;
      assertThat(
              reason(at.attestor.measure(caller, Samples.registration("m", ownUid(), perlPath()))))
          .isEqualTo("refused: caller-gone");
    }
  }

  @Test
  void aProcessIsGoneOnlyIfTheKernelSaysSo() throws Exception {
    Registration registration = Samples.registration("m", ownUid());
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      kernel.pollErrno = Libc.EINTR;
      kernel.pollFails = 3;
      assertThat(reason(at.attestor.measure(caller, registration))).isEqualTo("attested");
      kernel.pollErrno = 12;
      kernel.pollFails = 1;
      assertThat(reason(at.attestor.measure(caller, registration)))
          .isEqualTo("unavailable: measurement-denied");
      assertThat(reason(at.attestor.measure(caller, registration))).isEqualTo("attested");
    }
  }

  @Test
  void whatCanNeverBeToldOfAnExecutableLetsNobodyIn() throws Exception {
    Registration path =
        Samples.registration(List.of(ownUid()), List.of(), List.of("unix:path:/bin/true"));
    Registration hash =
        Samples.registration(
            List.of(ownUid()), List.of(), List.of("unix:sha256:" + "0".repeat(64)));
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      assertThat(reason(at.attestor.measure(caller, path))).isEqualTo("attested");
      assertThat(reason(at.attestor.measure(caller, hash))).isEqualTo("attested");
      // As after PR_SET_MM_MAP: what /proc/PID/exe shows stands nowhere in its memory.
      kernel.mapsOf = ProcessHandle.current().pid();
      try (Caller forged = at.attestor.accept(peer.socket())) {
        assertThat(reason(at.attestor.measure(forged, path)))
            .isEqualTo("refused: selector-mismatch");
        assertThat(reason(at.attestor.measure(forged, hash)))
            .isEqualTo("refused: selector-mismatch");
      }
    }
  }

  @Test
  void anExecutableTooLargeToBeHashedIsNotLetInWhereAHashMayNotBe() throws Exception {
    at.close();
    Files.delete(at.listener.path());
    at = new Attestations(folder, kernel, new ExecutableHashes.Limits(1, Duration.ofSeconds(2)));
    Registration hash =
        Samples.registration(
            List.of(ownUid()), List.of(), List.of("unix:sha256:" + "0".repeat(64)));
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      assertThat(reason(at.attestor.measure(caller, hash))).isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void anExecWhileTheHashIsMadeIsSeen() throws Exception {
    Registration registration = Samples.registration("m", ownUid(), perlPath(), perlHash());
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      assertThat(reason(at.attestor.measure(caller, registration))).isEqualTo("attested");
      kernel.afterExecutable(2, peer::execsShell);
      assertThat(reason(at.attestor.measure(caller, registration)))
          .isEqualTo("refused: caller-changed");
    }
  }

  @Test
  void anExecIsSeenThoughAnotherProcessKeepsTheOldMemoryAlive() throws Exception {
    for (String selector : List.of(perlPath(), perlHash())) {
      Registration registration = Samples.registration("m", ownUid(), selector);
      try (Peer sibling = Peer.connect(at.listener);
          Peer peer = Peer.connect(at.listener)) {
        kernel.mapsOf = sibling.pid();
        try (Caller caller = at.attestor.accept(peer.socket())) {
          Verdict before = at.attestor.measure(caller, registration);
          assertThat(reason(before)).isEqualTo("attested");
          Verdict.Attested attested = (Verdict.Attested) before;
          assertThat(reason(at.attestor.confirm(caller, attested))).isEqualTo("attested");
          peer.execs(Peer.PERL, "-e", "$|=1;print+qq(running\\n);<STDIN>");
          peer.expect("running");
          assertThat(reason(at.attestor.confirm(caller, attested)))
              .isEqualTo("refused: caller-changed");
          // Where nothing but user and path counts, and nothing is issued, it is the same program.
          assertThat(reason(at.attestor.measure(caller, registration)))
              .isEqualTo(selector.equals(perlPath()) ? "attested" : "refused: caller-changed");
        }
      }
    }
  }

  @Test
  void anExecOfTheSameExecutableBetweenTwoMeasurementsIsSeen() throws Exception {
    Registration registration = Samples.registration("m", ownUid(), perlPath(), perlHash());
    try (Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      for (int request = 0; request < 3; request++) {
        assertThat(reason(at.attestor.measure(caller, registration))).isEqualTo("attested");
      }
      peer.execs(Peer.PERL, "-e", "$|=1;print+qq(running\\n);<STDIN>");
      peer.expect("running");
      assertThat(reason(at.attestor.measure(caller, registration)))
          .isEqualTo("refused: caller-changed");
    }
  }
}
