package dev.vouchsafe.attestation;

import static dev.vouchsafe.attestation.Attestations.ownUid;
import static dev.vouchsafe.attestation.Attestations.reason;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.github.benmanes.caffeine.cache.Ticker;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the kernel doesn't let us see is unavailable, never taken for granted and never refused. */
class DeniedTest {
  @TempDir Path folder;

  /** As a service without CAP_SYS_PTRACE sees another user's process. */
  private static final class Unprivileged extends Kernel {
    @Override
    FileFacts executable(Scratch s, int pid) throws SystemCallException {
      throw new SystemCallException("statx", Libc.EACCES);
    }

    @Override
    int open(Scratch s, int pid, String file) {
      return file.equals("maps") ? -Libc.EACCES : super.open(s, pid, file);
    }
  }

  /** A connection whose other end is said to be another process. */
  private static final class Misled extends Kernel {
    private final int pid;
    private final boolean pidfds;

    Misled(int pid, boolean pidfds) {
      this.pid = pid;
      this.pidfds = pidfds;
    }

    @Override
    int peerCredentials(Scratch s, int socket) {
      int result = super.peerCredentials(s, socket);
      s.buffer.set(ValueLayout.JAVA_INT, 0, pid);
      return result;
    }

    @Override
    int peerPidfd(Scratch s, int socket) {
      return pidfds ? super.peerPidfd(s, socket) : -Libc.ENOPROTOOPT;
    }
  }

  @Test
  void aProcessThatMayNotBeMeasuredIsUnavailableAndTheMissingRightIsNamed() throws Exception {
    try (Attestations at = new Attestations(folder, new Unprivileged());
        Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      Verdict verdict = at.attestor.measure(caller, Samples.registration("m", ownUid()));
      assertThat(verdict)
          .isInstanceOfSatisfying(
              Verdict.Unavailable.class,
              u -> {
                assertThat(u.reason()).isEqualTo("measurement-denied");
                assertThat(u.detail()).contains("CAP_SYS_PTRACE");
              });
    }
  }

  @Test
  void aProcessThatMayNotBeMeasuredIsRefusedWhereItCouldNotBeTheModuleAnyway() throws Exception {
    try (Attestations at = new Attestations(folder, new Unprivileged());
        Peer peer = Peer.connect(at.listener)) {
      assertThat(at.verdict(peer, "unix:uid:4294967294", "unix:path:/usr/bin/perl"))
          .isEqualTo("refused: selector-mismatch");
      assertThat(at.verdict(peer, ownUid(), "unix:path:/usr/bin/perl"))
          .isEqualTo("unavailable: measurement-denied");
      assertThat(at.verdict(peer, ownUid(), "unix:sha256:" + "0".repeat(64)))
          .isEqualTo("unavailable: measurement-denied");
    }
  }

  @Test
  void aProcessThatIsInvisibleHereIsNotTakenOn() throws Exception {
    try (Attestations at = new Attestations(folder, new Misled(0, true));
        Peer peer = Peer.connect(at.listener)) {
      assertThatThrownBy(() -> at.attestor.accept(peer.socket()))
          .isInstanceOf(CallerUnknownException.class)
          .hasMessageContaining("pid namespace");
    }
  }

  @Test
  void aProcessIdThatNobodyHasAnyMoreIsNotTakenOnByAnOlderKernel() throws Exception {
    try (Listener before = new Listener(folder.resolve("before"))) {
      Peer ended = Peer.connect(before);
      ended.ends();
      ended.close();
      try (Attestations at = new Attestations(folder, new Misled((int) ended.pid(), false));
          Peer peer = Peer.connect(at.listener)) {
        assertThatThrownBy(() -> at.attestor.accept(peer.socket()))
            .isInstanceOf(CallerUnknownException.class);
      }
    }
  }

  @Test
  void aProcessIdThatAnotherUsersProcessHasNowIsRefusedByAnOlderKernel() throws Exception {
    assumeTrue(Samples.uid() == 0, "needs root");
    folder.toFile().setExecutable(true, false);
    try (Listener before = new Listener(folder.resolve("before"));
        Peer other = Peer.connect(before, Peer.PERL, "setpriv", "--reuid=65534");
        Attestations at = new Attestations(folder, new Misled((int) other.pid(), false));
        Peer peer = Peer.connect(at.listener)) {
      assertThat(at.verdict(peer, "unix:uid:0")).isEqualTo("refused: caller-changed");
      assertThat(at.verdict(peer, "unix:uid:65534")).isEqualTo("refused: caller-changed");
    }
  }

  @Test
  void anExecutableThatNoMappingBearsOutDoesNotHold() throws Exception {
    Kernel forged =
        new Kernel() {
          @Override
          FileFacts executable(Scratch s, int pid) throws SystemCallException {
            return Kernel.file(s, "/bin/sh");
          }
        };
    try (Attestations at = new Attestations(folder, forged);
        Peer peer = Peer.connect(at.listener)) {
      assertThat(at.verdict(peer, ownUid(), "unix:path:/bin/sh"))
          .isEqualTo("refused: selector-mismatch");
      assertThat(at.verdict(peer, ownUid(), "unix:sha256:" + "0".repeat(64)))
          .isEqualTo("refused: selector-mismatch");
    }
  }

  @Test
  void whatThisKernelOrOurRightsDoNotShowIsSaid() {
    AttestationSettings settings = AttestationSettings.defaults();
    ExecutableHashes.Limits limits = ExecutableHashes.Limits.DEFAULT;
    try (Attestor all = Attestors.open(settings, new Kernel(), limits);
        Attestor old = Attestors.open(settings, Kernels.OLDEST.kernel(), limits)) {
      assertThat(old.limits()).hasSize(all.limits().size() + 2);
      assertThat(old.limits()).anyMatch(l -> l.contains("SO_PEERPIDFD"));
    }
  }

  @Test
  void eachRightThatIsMissingIsNamed() throws Exception {
    Path status =
        Files.writeString(folder.resolve("status"), "Name:\tx\nCapEff:\t0000000000000000\n");
    Kernel unprivileged =
        new Kernel() {
          @Override
          int open(Scratch s, int pid, String file) {
            return file.equals("status") && pid == Libc.getpid(s)
                ? Libc.open(s, s.path(status.toString()), Libc.O_RDONLY | Libc.O_CLOEXEC)
                : super.open(s, pid, file);
          }
        };
    try (Attestations at = new Attestations(folder, unprivileged);
        Peer peer = Peer.connect(at.listener)) {
      assertThat(at.attestor.limits())
          .anyMatch(l -> l.contains("CAP_SYS_PTRACE") && l.contains("strict"))
          .anyMatch(l -> l.contains("CAP_DAC_READ_SEARCH") && l.contains("unix:sha256"));
      peer.does("closeonexec 1");
      try (Caller caller = at.attestor.accept(peer.socket())) {
        assertThat(reason(at.attestor.measure(caller, Samples.strict("m", ownUid()))))
            .isEqualTo("unavailable: measurement-denied");
      }
    }
  }

  @Test
  void aKernelThatNamesNoWriterIsSaidToRefuseEverybody() {
    Kernel mute =
        new Kernel() {
          @Override
          int passCredentials(Scratch s, int socket) {
            return -Libc.ENOPROTOOPT;
          }
        };
    try (Attestor attestor =
        Attestors.open(AttestationSettings.defaults(), mute, ExecutableHashes.Limits.DEFAULT)) {
      assertThat(attestor.limits()).anyMatch(l -> l.contains("SO_PASSCRED"));
    }
  }

  @Test
  void groupsThatCantBeReadAreUnavailable() throws Exception {
    Kernel kernel =
        new Kernel() {
          @Override
          int peerGroups(Scratch s, int socket) {
            return -Libc.ERANGE;
          }
        };
    try (Attestations at = new Attestations(folder, kernel);
        Peer peer = Peer.connect(at.listener)) {
      assertThat(at.verdict(peer, ownUid(), "unix:supplementary-group:0"))
          .isEqualTo("unavailable: measurement-denied");
      assertThat(at.verdict(peer, ownUid())).isEqualTo("attested");
    }
  }

  @Test
  void anExecutableThatMayBeSeenButNotReadHasNoHash() throws Exception {
    Kernel kernel =
        new Kernel() {
          @Override
          int open(Scratch s, int pid, String file) {
            return file.equals("exe") ? -Libc.EACCES : super.open(s, pid, file);
          }
        };
    try (Attestations at = new Attestations(folder, kernel);
        Peer peer = Peer.connect(at.listener)) {
      assertThat(at.verdict(peer, ownUid(), "unix:sha256:" + "0".repeat(64)))
          .isEqualTo("unavailable: measurement-denied");
    }
  }

  @Test
  void aRightThatIsLostBetweenTheLooksMakesTheLastOneUnavailable() throws Exception {
    AtomicBoolean lost = new AtomicBoolean();
    Kernel kernel =
        new Kernel() {
          @Override
          FileFacts executable(Scratch s, int pid) throws SystemCallException {
            if (lost.get()) {
              throw new SystemCallException("statx", Libc.EACCES);
            }
            return super.executable(s, pid);
          }
        };
    try (Attestations at = new Attestations(folder, kernel);
        Peer peer = Peer.connect(at.listener);
        Caller caller = at.attestor.accept(peer.socket())) {
      Verdict verdict = at.attestor.measure(caller, Samples.registration("m", ownUid()));
      lost.set(true);
      assertThat(reason(at.attestor.confirm(caller, (Verdict.Attested) verdict)))
          .isEqualTo("unavailable: measurement-denied");
    }
  }

  @Test
  void aProcHiddenFromUsIsNamedAsTheReason() throws Exception {
    Kernel kernel =
        new Kernel() {
          @Override
          int open(Scratch s, int pid, String file) {
            return pid == Libc.getpid(new Scratch()) ? super.open(s, pid, file) : -Libc.ENOENT;
          }
        };
    try (Attestations at = new Attestations(folder, kernel);
        Peer peer = Peer.connect(at.listener)) {
      assertThatThrownBy(() -> at.attestor.accept(peer.socket()))
          .isInstanceOf(CallerUnknownException.class)
          .hasMessageContaining("hidepid");
    }
  }

  private static SelectorCheck check(Kernel kernel, AccountNames names, ScratchPool pool) {
    Ticker ticker = Ticker.systemTicker();
    return new SelectorCheck(
        kernel,
        new Accounts(names, Duration.ofSeconds(60)),
        new ExecutableHashes(kernel, pool, ExecutableHashes.Limits.DEFAULT),
        new Containers(kernel, pool, Map.of(), ticker),
        new SystemdUnits(
            name -> {
              throw new IOException("no manager here for " + name);
            },
            ticker));
  }

  @Test
  void aNameServiceThatFailsIsUnavailableAndAnAbsentAccountIsRefused() throws Exception {
    AccountNames names =
        (kind, name) -> {
          if (name.equals("ann")) {
            throw new IOException("no answer");
          }
          return OptionalLong.empty();
        };
    Kernel kernel = new Kernel();
    ScratchPool pool = new ScratchPool();
    try (Attestations at = new Attestations(folder, kernel);
        Attestor attestor =
            new LinuxAttestor(
                AttestationSettings.defaults(), kernel, check(kernel, names, pool), pool);
        Peer peer = Peer.connect(at.listener);
        Caller caller = attestor.accept(peer.socket())) {
      assertThat(reason(attestor.measure(caller, Samples.registration("m", "unix:user:ann"))))
          .isEqualTo("unavailable: measurement-timeout");
      assertThat(reason(attestor.measure(caller, Samples.registration("m", "unix:user:bob"))))
          .isEqualTo("refused: selector-mismatch");
      // A definite no outweighs what can't be told.
      Registration both = Samples.registration("m", "unix:user:ann", "unix:user:bob");
      assertThat(reason(attestor.measure(caller, both))).isEqualTo("refused: selector-mismatch");
    }
  }
}
